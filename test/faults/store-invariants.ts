import { readdir, readFile, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { unless } from '../../src/base/errors.js';
import type { Workspace } from '../../src/env/workspace.js';
import { encodeManifest } from '../../src/manifest/codec.js';
import type { Manifest } from '../../src/manifest/types.js';
import { readHomeId } from '../../src/store/homes.js';
import { imageNameOfFile, type StoreLayout } from '../../src/store/layout.js';
import type { Lease } from '../../src/store/leases.js';
import { imagesOf, type RootKey, readRoots, rootKeyOf } from '../../src/store/roots.js';
import { listFiles, Violation } from './invariants.js';

const hourMs = 3_600_000;

/**
 * Every generation has its root in the store, under both of its names, and every image that it shows is there:
 * in its place, or condemned, from where whoever looks for it takes it back.
 */
export async function checkStore({ environments, places, store }: Workspace): Promise<void> {
  const { manifests } = await environments.readAll();
  const found = await imagesIn(store.layout.images, store.layout.condemned);
  for (const { name, generation, layers } of manifests) {
    for (const image of imagesOf(layers))
      if (!found.has(image)) throw new Violation(`${name}@${generation} lacks its image ${image}`);
  }
  const id = await readHomeId(places.home);
  const roots = id && (await readRoots(store.layout, id));
  if (!roots && manifests.length > 0) throw new Violation('the store knows nothing of the home');
  const live = new Map(roots?.live.map((root) => [nameOf(root), root]));
  const halved = new Set(roots?.halved.map(nameOf));
  for (const manifest of manifests) {
    const key = nameOf(keyOf(manifest));
    const what = `the root ${key} of ${manifest.name}`;
    if (!live.get(key)?.manifest) throw new Violation(`${what} is not there`);
    if (halved.has(key)) throw new Violation(`${what} has one name only`);
  }
}

/**
 * Sets back the times of all roots, and of leases that were not written to their end, so that those of nothing are
 * past the hour that they are given. No operation runs meanwhile.
 */
export async function ageRemains({ roots, leases }: StoreLayout, hours = 2): Promise<void> {
  const then = new Date(Date.now() - hours * hourMs);
  const staged = (await listFiles(leases)).filter((path) => path.endsWith('.new'));
  for (const path of [...(await listFiles(roots)), ...staged]) await utimes(path, then, then);
}

/** After a collection without a grace period the store holds what is referred to, and nothing else. */
export async function checkCollected({ environments, places, store }: Workspace): Promise<void> {
  const { layout } = store;
  for (const folder of [layout.staging, layout.condemned]) {
    const left = (await unless('ENOENT', readdir(folder))) ?? [];
    if (left.length > 0) throw new Violation(`gc left ${left.map((name) => join(folder, name)).join(', ')}`);
  }
  const shown = await shownByMounts(layout);
  const { manifests } = await environments.readAll();
  const referred = new Set([...manifests.flatMap(({ layers }) => [...imagesOf(layers)]), ...shown]);
  for (const name of await imagesIn(layout.images))
    if (!referred.has(name)) throw new Violation(`gc left the image ${name}, which nothing refers to`);
  const left = await rootsOfNothing({ environments, places, store });
  if (left.length > 0) throw new Violation(`gc left the roots ${left.join(', ')} of nothing`);
}

/** Roots, and notes of roots, whose generation is not there (any more). */
export async function rootsOfNothing({
  environments,
  places,
  store,
}: Pick<Workspace, 'environments' | 'places' | 'store'>): Promise<string[]> {
  const { manifests } = await environments.readAll();
  const id = await readHomeId(places.home);
  const roots = id && (await readRoots(store.layout, id));
  const published = new Set(manifests.map((manifest) => nameOf(keyOf(manifest))));
  const known = [...(roots?.live ?? []), ...(roots?.gone ?? [])].map(nameOf);
  return known.filter((name) => !published.has(name));
}

/** The images of the leases of mounts. Throws Violation for any other lease, of whom nobody can be by now. */
async function shownByMounts({ leases }: StoreLayout): Promise<string[]> {
  const shown: string[] = [];
  for (const path of await listFiles(leases)) {
    const text = path.endsWith('.lease') ? await unless('ENOENT', readFile(path, 'utf8')) : '{}';
    const { kind, images } = JSON.parse(text ?? '{"kind":"mount","images":[]}') as Partial<Lease>;
    if (kind !== 'mount') throw new Violation(`gc left the lease ${path}`);
    shown.push(...(images ?? []));
  }
  return shown;
}

async function imagesIn(...folders: string[]): Promise<Set<string>> {
  const names = new Set<string>();
  for (const folder of folders) {
    for (const path of await listFiles(folder)) names.add(imageNameOfFile(basename(path)) ?? path);
  }
  return names;
}

function keyOf(manifest: Manifest): RootKey {
  return rootKeyOf(encodeManifest(manifest), manifest);
}

function nameOf({ serial, generation, digest }: RootKey): string {
  return `${serial}-${generation}-${digest}`;
}
