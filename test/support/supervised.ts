import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../src/base/errors.js';
import type { DaemonStatus } from '../../src/mount/daemon-status.js';
import type { DaemonRecord } from '../../src/mount/runtime.js';
import { eventually } from './eventually.js';
import { projectRoot, type Sandbox } from './sandbox.js';

export async function recordOf(sandbox: Sandbox): Promise<DaemonRecord> {
  const folder = sandbox.path('run');
  const file = (await readdir(folder)).find((name) => name.endsWith('.json'));
  if (file === undefined) throw new Error('no daemon has a record');
  return JSON.parse(await readFile(join(folder, file), 'utf8')) as DaemonRecord;
}

export async function statusOf(sandbox: Sandbox): Promise<DaemonStatus> {
  const [status] = JSON.parse(await sandbox.expect('status', '--json')) as DaemonStatus[];
  return status!;
}

export async function supervisorPid(sandbox: Sandbox): Promise<number> {
  return (await recordOf(sandbox)).supervisor!.pid;
}

/** The one child of the supervisor: the process that serves or is about to; undefined between two. */
export async function serverOf(supervisor: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${supervisor}/task/${supervisor}/children`, 'utf8').catch(() => '');
  const [first] = text.trim().split(' ').filter(Boolean).map(Number);
  return first === undefined || !(await isLive(first)) ? undefined : first;
}

/** Whether a process is there that has not ended; one that nobody has waited for has. */
export async function isLive(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text !== '' && !['Z', 'X'].includes(text.slice(text.lastIndexOf(')') + 2)[0]!);
}

export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (systemErrorCode(error) === 'ESRCH') return false;
    throw error;
  }
}

/** Kills the process that serves, once there is one; resolves when it is gone, with the time of the kill. */
export async function killServer(supervisor: number): Promise<{ killedMs: number }> {
  const server = await eventually(() => serverOf(supervisor), 'a process serves');
  const killedMs = performance.now();
  kill(server);
  await eventually(async () => !(await isLive(server)), 'the server is dead');
  return { killedMs };
}

/** Kills the process that serves and, before it, its supervisor, if it has one. Resolves when both are gone. */
export async function killDaemon(sandbox: Sandbox): Promise<void> {
  const { supervisor, pid } = await recordOf(sandbox);
  for (const one of supervisor ? [supervisor.pid, pid] : [pid]) {
    kill(one);
    await eventually(async () => !(await isLive(one)), 'the daemon is dead');
  }
}

let asked = 0;

/** Asks for a name that nobody has asked for: only a serving process can tell that it is not there. */
export async function untilAnswered(folder: string): Promise<void> {
  asked += 1;
  const name = join(folder, `absent-${process.pid}-${asked}`);
  try {
    await stat(name);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}

/** A program that runs until `stop`, and has to end well. */
export class Companion {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exit: Promise<[number | null, NodeJS.Signals | null]>;
  #output = '';

  constructor(sandbox: Sandbox, program: string, args: readonly string[]) {
    this.#name = args[0]!.split('/').at(-1)!;
    this.#child = spawn(program, args, { env: sandbox.variables, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.#output += String(text);
      });
    }
    this.#exit = once(this.#child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  }

  /** Waits for a word in its output. */
  async says(word: string): Promise<void> {
    await eventually(
      async () => this.#output.includes(word),
      `${this.#name} says ${word}: ${this.#output}`,
      60_000,
    );
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Undefined when it ended well, else what it said. */
  async failure(deadlineMs = 60_000): Promise<string | undefined> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), deadlineMs);
    const [status, signal] = await this.#exit;
    clearTimeout(timer);
    return status === 0 ? undefined : `${this.#name} ended with ${status ?? signal}: ${this.#output}`;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }

  /** The number in the last line that it wrote. */
  get rounds(): number {
    return Number(this.#output.trim().split('\n').at(-1));
  }
}

export interface Companions {
  importers: Companion[];
  holder: Companion;
  /** Lets all of them end; gives what failed. */
  stop(): Promise<string[]>;
  end(): void;
}

/** Importing interpreters of `demo` (support/many-modules.ts), and one process that holds files of it. */
export async function startCompanions(
  sandbox: Sandbox,
  mountpoint: string,
  options: { interpreters: number; modules: number; seed: number },
): Promise<Companions> {
  const stopFile = sandbox.path(`stop-${Date.now()}`);
  const python = join(mountpoint, 'demo', 'bin', 'python');
  const site = await siteOf(mountpoint);
  const script = (name: string) => join(projectRoot, 'test', 'endurance', name);
  const holder = new Companion(sandbox, python, [script('holder.py'), site, stopFile]);
  const importers = Array.from({ length: options.interpreters }, (_, index) => {
    const args = [script('importer.py'), String(options.modules), stopFile, String(options.seed + index)];
    return new Companion(sandbox, python, args);
  });
  await holder.says('holding');
  const all = [holder, ...importers];
  return {
    importers,
    holder,
    stop: async () => {
      await writeFile(stopFile, '');
      return (await Promise.all(all.map((one) => one.failure()))).filter((text) => text !== undefined);
    },
    end: () => {
      for (const one of all) one.end();
    },
  };
}

export async function siteOf(mountpoint: string): Promise<string> {
  const lib = join(mountpoint, 'demo', 'lib');
  return join(lib, (await readdir(lib))[0]!, 'site-packages');
}
