import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Finished, run } from '../../src/base/run.js';
import { isMounted, unmountPath } from '../../src/mount/mountpoint.js';

export const projectRoot = fileURLToPath(new URL('../../../', import.meta.url));
export const program = join(projectRoot, 'build/program/cli/main.cjs');

const commandTimeoutMs = 240_000;

/** A folder, a home, a store and mounts of one test alone; `destroy` takes all of it away again. */
export class Sandbox {
  readonly folder: string;
  readonly variables: NodeJS.ProcessEnv;
  readonly #mounts = new Set<string>();

  private constructor(folder: string) {
    this.folder = folder;
    this.variables = {
      ...process.env,
      HOME: process.env.HOME,
      SHENV_HOME: join(folder, 'home'),
      SHENV_RUNTIME: join(folder, 'run'),
      PYTHONDONTWRITEBYTECODE: '1',
    };
    delete this.variables.SHENV_STORE;
  }

  static async make(): Promise<Sandbox> {
    return new Sandbox(await realpath(await mkdtemp(join(tmpdir(), 'shenv-fs-test-'))));
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Runs a program in the sandbox; never throws for its exit status. */
  run(command: string, args: readonly string[], timeoutMs = commandTimeoutMs): Promise<Finished> {
    return run(command, args, { env: this.variables, timeoutMs, cwd: this.folder });
  }

  /** Runs `shenv-fs`. */
  shenv(...args: string[]): Promise<Finished> {
    return this.run(process.execPath, [program, ...args]);
  }

  /** Runs `shenv-fs` and gives its stdout. Throws when it fails. */
  async expect(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.shenv(...args);
    if (status === 0) return stdout;
    throw new Error(`shenv-fs ${args.join(' ')} ended with ${status}: ${stderr}`);
  }

  /** Mounts with the engine and gives the mount point; `destroy` unmounts it. */
  async mount(engine: string, name = 'mnt', ...options: string[]): Promise<string> {
    const mountpoint = this.path(name);
    this.#mounts.add(mountpoint);
    await this.expect('mount', mountpoint, '--engine', engine, ...options);
    return mountpoint;
  }

  async destroy(): Promise<void> {
    for (const mountpoint of this.#mounts) {
      if (!(await isMounted(mountpoint))) continue;
      const { status } = await this.shenv('unmount', mountpoint, '--lazy');
      if (status !== 0) await unmountPath(mountpoint, true);
    }
    // A daemon that was unmounted lazily may be ending still.
    await rm(this.folder, { recursive: true, maxRetries: 20, retryDelay: 50 });
  }
}
