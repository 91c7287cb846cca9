import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { ShenvError } from '../base/errors.js';
import { packageFile } from '../base/package-files.js';

/** Sources of one image to compile. */
export interface CompileRequest {
  image: string;
  /** Beside this process and root, the only user whose file is opened; left out: anybody's is. */
  storeOwner?: number;
  /** File that the .pyc files are written to, one after another. */
  output: string;
  files: readonly [name: string, offset: number, sizeBytes: number][];
}

const script = packageFile('src/python/compile.py');

/** A process of the interpreter that compiles for one request after another. */
class CompileWorker {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  /** Settles when the process is gone, so that a request is refused that comes after its end, too. */
  readonly #ended: Promise<ShenvError>;

  constructor(executable: string) {
    this.#child = spawn(executable, ['-I', '-B', '-S', script], { stdio: 'pipe' });
    let lastLine = '';
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      lastLine = line;
    });
    this.#child.stdin.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#ended = new Promise((resolve) => {
      const end = (cause: unknown) =>
        resolve(
          new ShenvError(
            'INTERPRETER_UNUSABLE',
            `${executable} ended while it compiled: ${lastLine || cause}`,
            {
              hint: 'Run the command again, or leave bytecode out with `create --no-bytecode`.',
              path: executable,
            },
          ),
        );
      this.#child.once('error', end);
      this.#child.once('close', (status, signal) => end(signal ?? `status ${status}`));
    });
  }

  compile(request: CompileRequest): Promise<(number | null)[]> {
    return new Promise((resolve, reject) => {
      this.#lines.once('line', (line) => resolve((JSON.parse(line) as { sizes: (number | null)[] }).sizes));
      void this.#ended.then(reject);
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    });
  }

  /** Resolves when the process is gone: it ends with its input, after the request that it works on. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }
}

/**
 * Compiles for each of `items` with up to `count` processes of the interpreter at once. `work` gets a
 * compile function and may do its own I/O around it. When one fails, nothing more is begun; whatever
 * comes of it, every process and every `work` has ended when this resolves or rejects.
 */
export async function withCompileWorkers<T>(
  executable: string,
  count: number,
  items: readonly T[],
  work: (item: T, compile: (request: CompileRequest) => Promise<(number | null)[]>) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const runOne = async () => {
    const worker = new CompileWorker(executable);
    try {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
        await work(item, (request) => worker.compile(request));
      }
    } catch (error) {
      queue.length = 0;
      throw error;
    } finally {
      await worker.end();
    }
  };
  const runs = await Promise.allSettled(Array.from({ length: Math.min(count, items.length) }, runOne));
  for (const run of runs) if (run.status === 'rejected') throw run.reason;
}
