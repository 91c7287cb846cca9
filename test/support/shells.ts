import { spawn } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { systemErrorCode } from '../../src/base/errors.js';
import { type Finished, run } from '../../src/base/run.js';
import { skip } from './interpreters.js';

export interface StartOptions {
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** All that the program reads from stdin. */
  input?: string;
  /** Called with all of stdout so far, whenever there is more of it. */
  onOutput?: (stdout: string, pid: number) => void;
}

const startTimeoutMs = 60_000;

/** The path of a shell; where it is missing the test passes and says so. */
export async function requireShell(t: ExecutionContext, shell: string): Promise<string | undefined> {
  const { stdout } = await run('sh', ['-c', 'command -v "$1"', '-', shell]);
  if (stdout !== '') return stdout.trim();
  skip(t, `${shell} is not installed`);
  return undefined;
}

/**
 * Runs a program in a session of its own, which has no terminal, so that interactive shells can take
 * none away; whatever it started ends with the deadline.
 */
export async function start(
  program: string,
  args: readonly string[],
  options: StartOptions,
): Promise<Finished> {
  const { env, cwd, input = '', onOutput } = options;
  const child = spawn(program, args, { env, cwd, detached: true, stdio: 'pipe' });
  const finished: Finished = { status: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    finished.stdout += text;
    onOutput?.(finished.stdout, child.pid!);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    finished.stderr += text;
  });
  child.stdin.on('error', ignoreClosedPipe).end(input);
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), startTimeoutMs);
  finished.status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  }).finally(() => clearTimeout(timer));
  return finished;
}

/** A program that ends without having read everything is no failure of the test. */
function ignoreClosedPipe(error: Error): void {
  if (systemErrorCode(error) !== 'EPIPE') throw error;
}
