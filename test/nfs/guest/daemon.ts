import { readFile } from 'node:fs/promises';
import { type Finished, run } from '../../../src/base/run.js';
import { eventually } from '../../support/eventually.js';
import { program } from '../../support/sandbox.js';

export interface DaemonPlaces {
  home: string;
  runtime: string;
  mountpoint: string;
}

/** What `export-nfs --json` tells. */
export interface Exported {
  exports: string;
  ganesha: string;
  mount: string;
  fsid: string;
  missing: { problem: string }[];
}

const commandTimeoutMs = 60_000;

/** A daemon of ours in the guest, and the commands that are given to it. */
export class GuestDaemon {
  readonly places: DaemonPlaces;

  constructor(places: DaemonPlaces) {
    this.places = places;
  }

  shenv(...args: string[]): Promise<Finished> {
    const { home, runtime } = this.places;
    const env = { ...process.env, SHENV_HOME: home, SHENV_RUNTIME: runtime };
    return run(process.execPath, [program, ...args], { env, timeoutMs: commandTimeoutMs });
  }

  async expect(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.shenv(...args);
    if (status === 0) return stdout;
    throw new Error(`shenv-fs ${args.join(' ')} ended with ${status}: ${stderr}`);
  }

  async start(): Promise<void> {
    await this.expect('mount', this.places.mountpoint, '--engine', 'kernel', '--read-only', '--allow-other');
  }

  async stop(): Promise<void> {
    await this.expect('unmount', this.places.mountpoint, '--lazy');
  }

  /** Ends the process that serves as a fault would; resolves when the next one does. */
  async killServer(): Promise<void> {
    const { pid } = await this.status();
    await killed(pid);
    await eventually(async () => (await this.status()).pid !== pid, 'another process serves');
  }

  /** Ends the mount as a fault would, with no word to anybody. */
  async kill(): Promise<void> {
    const { pid, supervision } = await this.status();
    if (supervision) await killed(supervision.pid);
    await killed(pid);
  }

  async status(): Promise<{
    pid: number;
    supervision?: { pid: number };
    requests: Record<string, number>;
  }> {
    return JSON.parse(await this.expect('status', this.places.mountpoint, '--json'))[0];
  }

  async exported(...options: string[]): Promise<Exported> {
    return JSON.parse(await this.expect('export-nfs', this.places.mountpoint, '--json', ...options));
  }
}

async function killed(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await eventually(async () => !(await isRunning(pid)), `process ${pid} is gone`);
}

async function isRunning(pid: number): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return state !== '' && !/\) [ZX] /.test(state);
}
