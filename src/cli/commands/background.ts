import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { type ErrorCode, ShenvError } from '../../base/errors.js';

/** What the process in the background tells the command that started it: one line on descriptor 3. */
type Readiness =
  | { engine: string }
  | { error: { code: ErrorCode; message: string; hint: string | undefined } };

const readyTimeoutMs = 60_000;
const readyDescriptor = 3;
const readyVariable = 'SHENV_READY_DESCRIPTOR';

/**
 * Runs a program as a process that outlives this one, its output appended to `log`. Resolves when it
 * tells that its mount is ready; throws the error that it tells, or MOUNT_FAILED.
 */
export async function startInBackground(
  [program, ...args]: readonly string[],
  { log, PATH }: { log: string; PATH: string },
): Promise<{ engine: string; pid: number | undefined }> {
  const output = await open(log, 'a', 0o600);
  const child = spawn(program!, args, {
    detached: true,
    cwd: '/',
    stdio: ['ignore', output.fd, output.fd, 'pipe'],
    env: { ...process.env, PATH, [readyVariable]: String(readyDescriptor) },
  });
  await output.close();
  const readiness = await waitForReadiness(child);
  child.unref();
  if ('engine' in readiness) return { engine: readiness.engine, pid: child.pid };
  const { code, message, hint } = readiness.error;
  throw new ShenvError(code, message, hint === undefined ? {} : { hint });
}

function waitForReadiness(child: ChildProcess): Promise<Readiness> {
  const stream = child.stdio[readyDescriptor] as NodeJS.ReadableStream;
  return new Promise((resolve, reject) => {
    let received = '';
    const failed = (reason: string) =>
      new ShenvError('MOUNT_FAILED', `The process in the background ${reason}`, {
        hint: 'Run the command with --foreground to see why.',
      });
    const timer = setTimeout(() => {
      child.kill('SIGTERM');
      reject(failed(`was not ready within ${readyTimeoutMs / 1000} s`));
    }, readyTimeoutMs);
    child.on('error', ({ message }) => {
      clearTimeout(timer);
      reject(failed(`could not be started: ${message}`));
    });
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      received += String(text);
    });
    stream.on('close', () => {
      clearTimeout(timer);
      if (received.endsWith('\n')) resolve(JSON.parse(received) as Readiness);
      else reject(failed('ended before the mount was ready'));
    });
  });
}

/** Called in the background process; nothing happens where nobody waits. */
export function tellReadiness(engine: string): void {
  tell({ engine });
}

/** As `tellReadiness`, when there will be no mount. */
export function tellFailure(error: unknown): void {
  tell({ error: describe(error) });
}

/** The variables of this process for a program that it becomes, which does not have the descriptor. */
export function withoutReadiness(): NodeJS.ProcessEnv {
  const { [readyVariable]: _, ...others } = process.env;
  return others;
}

function describe(error: unknown): { code: ErrorCode; message: string; hint: string | undefined } {
  if (error instanceof ShenvError) return { code: error.code, message: error.message, hint: error.hint };
  return { code: 'MOUNT_FAILED', message: String(error), hint: undefined };
}

function tell(readiness: Readiness): void {
  if (process.env[readyVariable] !== String(readyDescriptor)) return;
  delete process.env[readyVariable];
  writeSync(readyDescriptor, `${JSON.stringify(readiness)}\n`);
  closeSync(readyDescriptor);
}
