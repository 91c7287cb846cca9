import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../src/base/run.js';
import { Servant } from '../faults/servants.js';
import { eventually } from './eventually.js';

export interface HostOptions {
  /** Its host name. */
  name: string;
  /** Its runtime folder lies below. */
  folder: string;
  variables: NodeJS.ProcessEnv;
  /** Folders that it cannot write, as a node of a cluster cannot. */
  readOnly?: readonly string[];
}

const namespaces = ['--uts', '--pid', '--mount', '--fork', '--mount-proc', '--propagation', 'private'];

/** Whether namespaces can be made here; without them hosts differ in their runtime folders alone. */
export async function canSimulateHosts(): Promise<boolean> {
  const { status } = await run('unshare', [...namespaces, 'hostname', 'probe'], { timeoutMs: 20_000 });
  return status === 0;
}

/**
 * A host of its own as far as shenv-fs can tell: host name, process ids, mounts and runtime folder are its own
 * (namespaces(7)), the kernel and the file systems are those of the machine.
 */
export class SimulatedHost {
  readonly name: string;
  readonly variables: NodeJS.ProcessEnv;
  readonly #folder: string;
  readonly #servants: Servant[] = [];
  readonly #init: ChildProcess | undefined;
  readonly #enter: readonly string[];

  private constructor({ name, folder, variables }: HostOptions, init?: ChildProcess, pid?: string) {
    this.name = name;
    this.#folder = folder;
    this.variables = { ...variables, SHENV_RUNTIME: join(folder, `run-${name}`) };
    this.#init = init;
    this.#enter =
      pid === undefined ? [] : ['nsenter', '--target', pid, '--uts', '--pid', '--mount', '--wd=.'];
  }

  /** Its name alone, where namespaces cannot be made. */
  static async make(options: HostOptions, isIsolated: boolean): Promise<SimulatedHost> {
    await mkdir(options.folder, { recursive: true });
    if (!isIsolated) return new SimulatedHost(options);
    const binds = (options.readOnly ?? []).flatMap((path) => [
      `mount --bind '${path}' '${path}'`,
      `mount -o remount,bind,ro '${path}'`,
    ]);
    const script = ['set -e', `hostname ${options.name}`, ...binds, 'echo ready', 'exec sleep infinity'];
    const init = spawn('unshare', [...namespaces, '--kill-child', 'sh', '-c', script.join('\n')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [text] = (await Promise.race([once(init.stdout!, 'data'), once(init, 'exit')])) as [unknown];
    if (!String(text).startsWith('ready')) throw new Error(`the host ${options.name} did not start`);
    const pid = await eventually(async () => {
      const children = await readFile(`/proc/${init.pid}/task/${init.pid}/children`, 'utf8');
      return children.trim() || undefined;
    }, 'its first process is there');
    return new SimulatedHost(options, init, pid);
  }

  servant(): Servant {
    const servant = new Servant(this.variables, this.#folder, this.#enter);
    this.#servants.push(servant);
    return servant;
  }

  /** Ends every process of it, and with them its mounts. */
  async end(): Promise<void> {
    for (const servant of this.#servants) servant.end();
    if (!this.#init || this.#init.exitCode !== null) return;
    const ended = once(this.#init, 'exit');
    this.#init.kill('SIGKILL');
    await ended;
  }
}
