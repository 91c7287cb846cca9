import { spawn } from 'node:child_process';
import { type Finished, run } from '../../src/base/run.js';

/** No external command may run longer. */
export const deadlineMs = 1_800_000;

export interface CommandOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  timeoutMs?: number;
}

/** Runs a program and gives its stdout. Throws when it fails or takes longer than the deadline. */
export async function must(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, { timeoutMs: deadlineMs, ...options });
  if (status === 0) return stdout;
  const how = status === null ? 'was ended by a signal or its deadline' : `ended with ${status}`;
  throw new Error(`${program} ${args.slice(0, 4).join(' ')} ${how}: ${(stderr || stdout).slice(-800)}`);
}

/** What a program says, or undefined where it is missing or fails: whether it can be used here. */
export async function ask(program: string, args: readonly string[]): Promise<Finished | undefined> {
  const finished = await run(program, args, { timeoutMs: 20_000 }).catch(() => undefined);
  return finished?.status === 0 ? finished : undefined;
}

/** Whether a program is on PATH. */
export async function has(program: string): Promise<boolean> {
  return (await ask('sh', ['-c', 'command -v -- "$0"', program])) !== undefined;
}

/** Wall time of a command in ms; stdout is thrown away. Throws when it fails or exceeds the deadline. */
export function wallMs(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<number> {
  const { env = process.env, cwd, timeoutMs = deadlineMs } = options;
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint();
    const stdio: ['ignore', 'ignore', 'pipe'] = ['ignore', 'ignore', 'pipe'];
    const child = spawn(program, args, {
      stdio,
      env,
      timeout: timeoutMs,
      ...(cwd === undefined ? {} : { cwd }),
    });
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => {
      stderr = (stderr + data.toString()).slice(-800);
    });
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (status === 0) resolve(Number(process.hrtime.bigint() - start) / 1e6);
      else
        reject(
          new Error(`${program} ${args.slice(0, 4).join(' ')} ended with ${status ?? signal}: ${stderr}`),
        );
    });
  });
}

/** The variables of a program that shall see no settings of this machine's pip and may write bytecode. */
export function plainVariables(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(PIP|UV|PYTHON|SHENV)_|^PYTHON|^VIRTUAL_ENV$/.test(name),
  );
  return { ...Object.fromEntries(kept), PIP_CONFIG_FILE: '/dev/null', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
}
