import { cp } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { findPlaces } from '../../src/base/paths.js';
import { openWorkspace, type Workspace } from '../../src/env/workspace.js';
import type { Manifest } from '../../src/manifest/types.js';
import { sandboxOf } from './mounts.js';
import { writePackages } from './packages.js';
import { Sandbox } from './sandbox.js';

export interface Homes {
  sandbox: Sandbox;
  own: Workspace;
  other: Workspace;
  source: string[];
}

/** Options of a creation that is quick. */
export const plain = ['--without-pip', '--no-bytecode'];

/** What pip made once of alpha 1.0 and beta 1.0, to be taken apart by the tests. */
interface Template {
  sandbox: Sandbox;
  manifest: Manifest;
}

async function makeTemplate(): Promise<Template> {
  const sandbox = await Sandbox.make();
  const { source } = await writePackages(sandbox);
  await sandbox.expect('create', 'web', 'alpha<2', 'beta<2', ...plain, ...source);
  const { environments } = openWorkspace(findPlaces(sandbox.variables));
  return { sandbox, manifest: await environments.read('web') };
}

/**
 * To be called once in a file of tests; gives what makes, for one test, two homes with one store: `web` (alpha, beta) and
 * `job` (beta) here, `far` (beta) in the other.
 */
export function storeHomes(): (t: ExecutionContext) => Promise<Homes> {
  let template: Promise<Template> | undefined;
  test.after.always(async () => (await template)?.sandbox.destroy());
  return async (t) => {
    template ??= makeTemplate();
    return homesFrom(await template, t);
  };
}

async function homesFrom({ sandbox: made, manifest }: Template, t: ExecutionContext): Promise<Homes> {
  const sandbox = await sandboxOf(t);
  sandbox.variables.SHENV_STORE = sandbox.path('store');
  const { source } = await writePackages(sandbox);
  for (const part of ['images', 'serials'])
    await cp(made.path('home', 'store', 'v1', part), sandbox.path('store', 'v1', part), { recursive: true });
  await cp(made.path('home', 'interpreters'), sandbox.path('home', 'interpreters'), { recursive: true });
  const own = openWorkspace(findPlaces(sandbox.variables));
  const other = openWorkspace(findPlaces({ ...sandbox.variables, SHENV_HOME: sandbox.path('other') }));
  const onlyBeta = {
    layers: manifest.layers.filter(({ image }) => image.name === 'beta'),
    requested: ['beta<2'],
  };
  for (const [{ environments }, name, change] of [
    [own, 'web', {}],
    [own, 'job', onlyBeta],
    [other, 'far', onlyBeta],
  ] as const)
    await environments.create({ ...manifest, ...change, name, serial: await environments.claimSerial() });
  return { sandbox, own, other, source };
}

/** What a command says in the other home. */
export async function inOther(sandbox: Sandbox, ...args: string[]): Promise<string> {
  const { SHENV_HOME } = sandbox.variables;
  sandbox.variables.SHENV_HOME = sandbox.path('other');
  try {
    return await sandbox.expect(...args);
  } finally {
    sandbox.variables.SHENV_HOME = SHENV_HOME;
  }
}

/** What a command says with --json. */
export async function json<T>(sandbox: Sandbox, ...args: string[]): Promise<T> {
  return JSON.parse(await sandbox.expect(...args, '--json')) as T;
}
