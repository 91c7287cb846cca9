import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { projectRoot } from '../../support/sandbox.js';

const answerTimeoutMs = 40_000;

/** A process that has files and folders open and says on demand what it sees through them. */
export class Holder {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;

  constructor(python: string, paths: readonly string[]) {
    this.#process = spawn(python, [join(projectRoot, 'test/nfs/guest/hold.py'), ...paths]);
    this.#lines = createInterface({ input: this.#process.stdout });
    this.#process.stderr.pipe(process.stderr);
  }

  /** For each path a digest of what its descriptor gives, or the name of an error. */
  async look(): Promise<Record<string, string>> {
    const line = new Promise<string>((resolve, reject) => {
      this.#lines.once('line', resolve);
      this.#lines.once('close', () => reject(new Error('the holder ended')));
    });
    this.#process.stdin.write('\n');
    const late = setTimeout(answerTimeoutMs, undefined, { ref: false });
    const answer = await Promise.race([line, late]);
    if (answer === undefined) throw new Error(`a descriptor does not answer within ${answerTimeoutMs} ms`);
    return JSON.parse(answer);
  }

  end(): void {
    this.#process.kill('SIGKILL');
  }
}
