import { writeFile } from 'node:fs/promises';
import { findPlaces } from '../../src/base/paths.js';
import { clone } from '../../src/env/generations.js';
import { nothingWanted, type Wanted } from '../../src/env/wanted.js';
import { openWorkspace, type Workspace } from '../../src/env/workspace.js';
import { normalizeName } from '../../src/wheel/filename.js';
import { withModule } from './packages.js';
import type { Sandbox } from './sandbox.js';
import { type WheelSpec, writeWheel } from './wheel-builder.js';

/**
 * `core` is to be upgraded: `web` and its `util` take any, `strict` takes only the old one, `pair` 1.0 too, of
 * which 2.0 takes only the new one; `deep` needs `core` through `web`. `needy` 2.0 needs a newer `base`.
 */
const specs: WheelSpec[] = [
  { name: 'core', version: '1.0' },
  { name: 'core', version: '2.0' },
  { name: 'util', version: '1.0', requires: ['core'] },
  { name: 'web', version: '1.0', requires: ['core>=1', 'util'] },
  { name: 'deep', version: '1.0', requires: ['web'] },
  { name: 'strict', version: '1.0', requires: ['core<2'] },
  { name: 'pair', version: '1.0', requires: ['core<2'] },
  { name: 'pair', version: '2.0', requires: ['core>=2'] },
  { name: 'base', version: '1.0' },
  { name: 'base', version: '2.0' },
  { name: 'needy', version: '1.0', requires: ['base'] },
  { name: 'needy', version: '2.0', requires: ['base>=2'] },
];

export interface Fleet {
  workspace: Workspace;
  /** pip's options to use the fleet's wheels alone. */
  source: string[];
  wanted: Wanted;
  /** What an environment shows of a distribution. */
  versionIn(environment: string, name: string): Promise<string | undefined>;
}

/** A workspace of the sandbox's own, and wheels. */
export async function fleetOf(sandbox: Sandbox): Promise<Fleet> {
  const folder = sandbox.path('wheels');
  for (const spec of specs) await writeWheel(folder, withModule(spec));
  const source = ['--no-index', '--find-links', folder];
  const workspace = openWorkspace(findPlaces(sandbox.variables));
  const versionIn = async (environment: string, name: string) => {
    const { layers } = await workspace.environments.read(environment);
    return layers.find(({ image }) => normalizeName(image.name) === name)?.image.version;
  };
  return { workspace, source, wanted: { ...nothingWanted, indexArgs: source }, versionIn };
}

/** An environment made from requirements with the old `core`, which nothing in it asks for by version. */
export async function createOld(
  sandbox: Sandbox,
  { source }: Fleet,
  name: string,
  ...requirements: string[]
): Promise<void> {
  const constraints = sandbox.path('old.txt');
  await writeFile(constraints, 'core<2\nneedy<2\nbase<2\n');
  const plain = ['--without-pip', '--no-bytecode', '-c', constraints, ...source];
  await sandbox.expect('create', name, ...plain, ...requirements);
}

/** Environments that show the same as `source`. */
export async function cloneMany({ workspace }: Fleet, source: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, at) => `${source}-${String(at + 1).padStart(2, '0')}`);
  for (const name of names) await clone(workspace, source, name);
  return names;
}
