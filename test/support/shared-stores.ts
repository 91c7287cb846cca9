import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { sandboxOf } from './mounts.js';
import { writeSampleWheels } from './sample-wheels.js';
import type { Sandbox } from './sandbox.js';
import { sharedGroup, type User, usersOf } from './users.js';

/** Of every user. */
export const python = '/usr/bin/python3';

/** As `store list --json` tells of an image. */
export interface Listed {
  name: string;
  path: string;
  store: string;
}

export interface Shared {
  sandbox: Sandbox;
  admin: User;
  ann: User;
  bob: User;
  wheels: string;
  /** `images` of the shared store. */
  images: string;
}

/** A store that `admin` shares, unless `share` is false, with a group that `ann` and `bob` are in. Undefined: passed over. */
export async function sharedStore(t: ExecutionContext, share = true): Promise<Shared | undefined> {
  const sandbox = await sandboxOf(t);
  const users = await usersOf(t, sandbox);
  if (!users) return undefined;
  const wheels = await writeSampleWheels(sandbox);
  if (share) await users.admin.expect('store', 'share', '--group', String(sharedGroup));
  return { sandbox, wheels, images: sandbox.path('shared', 'v1', 'images'), ...users };
}

export const list = async (user: User): Promise<Listed[]> =>
  JSON.parse(await user.expect('store', 'list', '--json'));
/** Gives the path of the image. */
export const add = async (user: User, wheel: string): Promise<string> => {
  const [added] = JSON.parse(await user.expect('store', 'add', '--json', wheel)) as { path: string }[];
  return added!.path;
};
export const modeOf = async (path: string) => (await stat(path)).mode & 0o7777;

/** What an environment shows as `alpha/__init__.py`, as a tree on disk. */
export async function shown(user: User, name: string): Promise<string> {
  const target = join(user.home, `tree of ${name}`);
  await user.expect('export', name, target);
  const lib = join(target, 'lib');
  const [minor = ''] = (await readdir(lib)).filter((folder) => folder.startsWith('python'));
  return readFile(join(lib, minor, 'site-packages', 'alpha', '__init__.py'), 'utf8');
}

export const create = (user: User, wheels: string, name = 'demo') =>
  user.expect(
    ...['create', name, 'alpha', '--python', python, '--without-pip', '--no-bytecode'],
    ...['--no-index', '--find-links', wheels],
  );
