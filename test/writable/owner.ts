import { chmod, chown, mkdir } from 'node:fs/promises';
import type { Finished } from '../../src/base/run.js';
import { program, type Sandbox } from '../support/sandbox.js';
import { User } from '../support/users.js';

/** Who makes the environment, mounts it and works in it. */
export interface Owner {
  /** A folder of his own. */
  folder: string;
  run(program: string, ...args: string[]): Promise<Finished>;
  shenv(...args: string[]): Promise<Finished>;
}

/** A process that came to serve begins a new row of deaths: it is not held up by those before. */
const supervision = 'deaths=1000,lastingMs=0';

/** Who runs the tests. */
export function selfOf(sandbox: Sandbox): Owner {
  sandbox.variables.SHENV_SUPERVISION = supervision;
  return {
    folder: sandbox.folder,
    run: (program, ...args) => sandbox.run(program, args),
    shenv: (...args) => sandbox.shenv(...args),
  };
}

/** An unprivileged user; only root can become one. */
export async function unprivilegedOf(sandbox: Sandbox): Promise<Owner> {
  await chmod(sandbox.folder, 0o755);
  const user = await User.make(sandbox, 'ann');
  await mkdir(sandbox.path('shared'));
  await chown(sandbox.path('shared'), user.uid, user.uid);
  return {
    folder: user.home,
    run: (program, ...args) => user.run(program, ...args),
    shenv: (...args) =>
      user.run('env', `SHENV_SUPERVISION=${supervision}`, process.execPath, program, ...args),
  };
}

/** What a program says. Throws when it fails. */
export async function mustAs(owner: Owner, program: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await owner.run(program, ...args);
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.slice(0, 4).join(' ')} ended with ${status}: ${stderr || stdout}`);
}

/** What `shenv-fs` says. Throws when it fails. */
export async function expectAs(owner: Owner, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await owner.shenv(...args);
  if (status === 0) return stdout;
  throw new Error(`shenv-fs ${args.join(' ')} ended with ${status}: ${stderr}`);
}
