import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Finished } from '../../src/base/run.js';
import { skip } from './interpreters.js';
import { program, type Sandbox } from './sandbox.js';

/** Of no account but `ann`, who is nobody: fusermount wants to know the name of who mounts. */
const ids = { admin: 41_000, ann: 65_534, bob: 41_002 };
export const sharedGroup = 41_100;

/** Beyond it a command hangs. */
const commandTimeoutMs = 60_000;

/** A real user of the machine beside others, with a home of his own; his store is the sandbox's. */
export class User {
  readonly uid: number;
  readonly home: string;
  readonly #sandbox: Sandbox;
  readonly #umask: string;
  readonly #store: string;

  private constructor(sandbox: Sandbox, uid: number, home: string, { umask = '022', store = '' } = {}) {
    this.#sandbox = sandbox;
    this.uid = uid;
    this.home = home;
    this.#umask = umask;
    this.#store = store || sandbox.path('shared');
  }

  static async make(sandbox: Sandbox, name: keyof typeof ids): Promise<User> {
    const home = sandbox.path(name);
    await mkdir(home);
    await chown(home, ids[name], ids[name]);
    return new User(sandbox, ids[name], home);
  }

  with(changes: { umask?: string; store?: string }): User {
    return new User(this.#sandbox, this.uid, this.home, {
      umask: this.#umask,
      store: this.#store,
      ...changes,
    });
  }

  run(...command: string[]): Promise<Finished> {
    const settings = {
      HOME: this.home,
      SHENV_HOME: join(this.home, 'data'),
      SHENV_RUNTIME: join(this.home, 'run'),
      SHENV_STORE: this.#store,
      PATH: '/usr/local/bin:/usr/bin:/bin',
      TMPDIR: this.home,
    };
    const variables = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    const identity = [`--reuid=${this.uid}`, `--regid=${this.uid}`, `--groups=${sharedGroup}`];
    const script = `umask ${this.#umask}; exec "$@"`;
    const all = [...identity, 'env', '-i', ...variables, 'sh', '-c', script, '-', ...command];
    return this.#sandbox.run('setpriv', all, commandTimeoutMs);
  }

  shenv(...args: string[]): Promise<Finished> {
    return this.run(process.execPath, program, ...args);
  }

  /** Runs `shenv-fs` and gives its stdout. Throws when it fails. */
  async expect(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.shenv(...args);
    if (status === 0) return stdout;
    throw new Error(`user ${this.uid}: shenv-fs ${args.join(' ')} ended with ${status}: ${stderr}`);
  }
}

/**
 * The owner of a store at `shared` in the sandbox, open to a group, and two who are in that group; undefined where nobody
 * can become another user, and the test has said so.
 */
export async function usersOf(
  t: ExecutionContext,
  sandbox: Sandbox,
): Promise<Record<'admin' | 'ann' | 'bob', User> | undefined> {
  if (process.getuid?.() !== 0) {
    skip(t, 'only root can become other users');
    return undefined;
  }
  await chmod(sandbox.folder, 0o755);
  const [admin, ann, bob] = [
    await User.make(sandbox, 'admin'),
    await User.make(sandbox, 'ann'),
    await User.make(sandbox, 'bob'),
  ];
  const able = await ann.run(process.execPath, program, '--version').catch(() => undefined);
  if (able?.status !== 0) {
    skip(t, `another user cannot run the program here: ${able?.stderr ?? 'there is no setpriv'}`);
    return undefined;
  }
  await mkdir(sandbox.path('shared'));
  await chown(sandbox.path('shared'), admin.uid, sharedGroup);
  return { admin, ann, bob };
}
