import { execFile } from 'node:child_process';

export interface Finished {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  timeoutMs?: number;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  signal?: AbortSignal;
}

const maxOutputBytes = 256 << 20;

/** Runs a program to its end. Throws only when it cannot be started (ENOENT, EACCES, …) or was aborted. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const settings = {
      timeout: options.timeoutMs ?? 0,
      env: options.env ?? process.env,
      maxBuffer: maxOutputBytes,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    };
    execFile(program, args, settings, (error, stdout, stderr) => {
      if (error === null) resolve({ status: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ status: error.code, stdout, stderr });
      else if (error.killed || error.signal) resolve({ status: null, stdout, stderr });
      else reject(error);
    });
  });
}
