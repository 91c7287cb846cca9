import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Finished } from '../../src/base/run.js';
import type { Probe } from '../../src/python/probe.js';
import { compareInstalled, readInstalled } from './installed-tree.js';
import { anyInterpreter } from './interpreters.js';
import type { Sandbox } from './sandbox.js';
import type { SharedMount } from './shared-mount.js';
import { must } from './twins.js';

export interface WritableTwinsOptions {
  name: string;
  wheels: string;
  /** What both have at first; in the mount they are images of the store. */
  requirements?: readonly string[];
}

/** A writable environment in the mount and a venv on the disk, in which tools do the same. */
export class WritableTwins {
  readonly mounted: string;
  readonly plain: string;
  readonly probe: Probe;
  readonly #sandbox: Sandbox;

  private constructor(sandbox: Sandbox, paths: { mounted: string; plain: string }, probe: Probe) {
    this.#sandbox = sandbox;
    this.mounted = paths.mounted;
    this.plain = paths.plain;
    this.probe = probe;
  }

  /** Two paths at which nothing is yet: one in the root of the mount. */
  static async none({ sandbox, mountpoint }: SharedMount, name: string): Promise<WritableTwins> {
    const paths = { mounted: join(mountpoint, name), plain: sandbox.path('plain', name) };
    return new WritableTwins(sandbox, paths, await anyInterpreter());
  }

  /** Both have pip and the requirements. */
  static async make(shared: SharedMount, options: WritableTwinsOptions): Promise<WritableTwins> {
    const twins = await WritableTwins.none(shared, options.name);
    const { sandbox } = shared;
    const { requirements = [] } = options;
    const python = twins.probe.baseExecutable;
    const source = ['--no-index', '--find-links', options.wheels, ...requirements];
    await sandbox.expect('create', '--writable', options.name, '--python', python, ...source);
    await must(sandbox, python, '-I', '-m', 'venv', twins.plain);
    await removeSetuptools(sandbox, twins.plain);
    if (requirements.length > 0)
      await must(sandbox, join(twins.plain, 'bin/python'), '-m', 'pip', 'install', '-q', ...source);
    return twins;
  }

  /** Runs the same in both, `{}` being the path; both have to succeed. Gives what they said, with `<env>` for the path. */
  async both(program: string, ...args: string[]): Promise<{ mounted: string; plain: string }> {
    const [mounted, plain] = [
      await this.#run(this.mounted, program, args),
      await this.#run(this.plain, program, args),
    ];
    for (const { status, stdout, stderr } of [plain, mounted])
      if (status !== 0)
        throw new Error(`${program} ${args.slice(0, 6).join(' ')} ended with ${status}: ${stderr || stdout}`);
    return { mounted: mounted.stdout, plain: plain.stdout };
  }

  /** Runs pip of both. */
  pip(...args: string[]): Promise<{ mounted: string; plain: string }> {
    return this.both('{}/bin/python', '-m', 'pip', '--disable-pip-version-check', ...args);
  }

  /** Asserts that both show the same, but for paths in their files and bytecode. */
  async areEqual(t: ExecutionContext): Promise<void> {
    const [mounted, plain] = [await readInstalled(this.mounted), await readInstalled(this.plain)];
    t.deepEqual(compareInstalled(mounted, plain), []);
    t.true(plain.size > 0);
  }

  async #run(root: string, program: string, args: readonly string[]): Promise<Finished> {
    const command = args.map((text) => text.replaceAll('{}', root));
    const finished = await this.#sandbox.run(program.replaceAll('{}', root), command);
    return { ...finished, stdout: finished.stdout.replaceAll(root, '<env>') };
  }
}

/** venv puts it in beside pip before Python 3.12, `create` does not (docs/exclusions.md). */
async function removeSetuptools(sandbox: Sandbox, environment: string): Promise<void> {
  const python = join(environment, 'bin/python');
  await must(sandbox, python, '-m', 'pip', 'uninstall', '-q', '-y', 'setuptools');
}
