import { join } from 'node:path';
import type { Finished } from '../../src/base/run.js';
import type { Probe } from '../../src/python/probe.js';
import type { Sandbox } from './sandbox.js';
import type { SharedMount } from './shared-mount.js';

export interface TwinsOptions {
  /** Name of the environment. */
  name: string;
  probe: Probe;
  requirements?: readonly string[];
  /** Folder that holds every wheel; nothing else is asked. */
  wheels?: string;
  systemSitePackages?: boolean;
}

/** One environment twice: mounted, and as a venv on disk at another path, of the same wheels. */
export class Twins {
  readonly mounted: string;
  readonly plain: string;
  readonly #sandbox: Sandbox;

  private constructor(sandbox: Sandbox, mounted: string, plain: string) {
    this.#sandbox = sandbox;
    this.mounted = mounted;
    this.plain = plain;
  }

  static async make({ sandbox, mountpoint }: SharedMount, options: TwinsOptions): Promise<Twins> {
    const { name, probe, requirements = [], wheels, systemSitePackages = false } = options;
    const python = probe.baseExecutable;
    const plain = sandbox.path('plain', name);
    const system = systemSitePackages ? ['--system-site-packages'] : [];
    const source = ['--no-index', '--find-links', wheels ?? sandbox.folder];
    const bare = ['--without-pip', '--no-bytecode'];
    await sandbox.expect('create', name, '--python', python, ...bare, ...system, ...source, ...requirements);
    await must(sandbox, python, '-I', '-m', 'venv', '--without-pip', ...system, plain);
    if (requirements.length > 0) {
      const install = ['install', '-q', '--no-compile', ...source, ...requirements];
      await must(sandbox, python, join(probe.ensurepipWheel!, 'pip'), '--python', plain, ...install);
    }
    return new Twins(sandbox, join(mountpoint, name), plain);
  }

  /** Runs the same in both, with `{}` in arguments replaced by the path; paths in the answers read `<env>`. */
  async ask(program: string, ...args: string[]): Promise<{ mounted: Finished; plain: Finished }> {
    const [mounted, plain] = await Promise.all(
      [this.mounted, this.plain].map(async (root) => {
        const command = args.map((text) => text.replaceAll('{}', root));
        const finished = await this.#sandbox.run(program.replaceAll('{}', root), command);
        return withoutPath(finished, root);
      }),
    );
    return { mounted: mounted!, plain: plain! };
  }
}

function withoutPath({ status, stdout, stderr }: Finished, root: string): Finished {
  return { status, stdout: stdout.replaceAll(root, '<env>'), stderr: stderr.replaceAll(root, '<env>') };
}

/** Lets programs of the sandbox keep their bytecode beside it, so that each compiles once and no environment has any. */
export function keepBytecodeAside(sandbox: Sandbox): void {
  delete sandbox.variables.PYTHONDONTWRITEBYTECODE;
  sandbox.variables.PYTHONPYCACHEPREFIX = sandbox.path('bytecode');
}

/** Fetches the wheels of requirements, built from source where there is none, into a folder. */
export async function fetchWheels(
  sandbox: Sandbox,
  probe: Probe,
  requirements: readonly string[],
): Promise<string> {
  const folder = sandbox.path(`wheels-${probe.minor}`);
  const pip = join(probe.ensurepipWheel!, 'pip');
  await must(sandbox, probe.baseExecutable, pip, 'wheel', '-q', '-w', folder, ...requirements);
  return folder;
}

/** Runs a program that has to succeed and gives its stdout. */
export async function must(sandbox: Sandbox, command: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await sandbox.run(command, args);
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.slice(0, 6).join(' ')} ended with ${status}: ${stderr || stdout}`);
}
