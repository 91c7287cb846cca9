import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { unless } from '../../src/base/errors.js';
import { findPlaces } from '../../src/base/paths.js';
import { openWorkspace, type Workspace } from '../../src/env/workspace.js';
import type { Layer, Manifest } from '../../src/manifest/types.js';
import { baseNameOf, imageNameOfFile, type StoreLayout } from '../../src/store/layout.js';
import { imagesOf } from '../../src/store/roots.js';
import { normalizeName } from '../../src/wheel/filename.js';
import { checkImage, Violation } from '../faults/invariants.js';

/** An image is renamed between its place and that of the condemned, so one look may miss it. */
const looks = 5;
/** Paths of images that were read as a whole. */
const whole = new Set<string>();

/**
 * Finds every image that any generation of any environment refers to, in its place or condemned, without taking it
 * back as a look-up does, and reads each once from its first byte to its last. Gives their number. Throws Violation
 * for a generation that is still there and lacks one.
 */
export async function checkWhole(): Promise<number> {
  const workspace = openWorkspace(findPlaces());
  const { manifests } = await workspace.environments.readAll();
  let count = 0;
  for (const manifest of manifests) {
    for (const layer of manifest.layers) {
      for (const image of imagesOf([layer])) {
        if (await isThere(workspace, layer, image)) count += 1;
        else if (await isPublished(workspace, manifest))
          throw new Violation(`${manifest.name}@${manifest.generation} lacks ${layer.image.name} (${image})`);
      }
    }
  }
  return count;
}

async function isThere({ store }: Workspace, layer: Layer, image: string): Promise<boolean> {
  for (let look = 0; look < looks; look += 1) {
    const path = await findImage(store.layout, layer, image);
    if (path === undefined) continue;
    if (image === baseNameOf(image as never) && path.startsWith(store.layout.images) && !whole.has(path)) {
      if (!(await isWhole(path))) continue;
      whole.add(path);
    }
    return true;
  }
  return false;
}

/** False where it has been condemned meanwhile. */
async function isWhole(path: string): Promise<boolean> {
  try {
    await checkImage(path);
    return true;
  } catch (error) {
    if (String(error).includes('ENOENT')) return false;
    throw error;
  }
}

async function findImage(
  { images, condemned }: StoreLayout,
  { image: { name, version } }: Layer,
  wanted: string,
): Promise<string | undefined> {
  const collections = await listFolder(condemned);
  const roots = [images, ...collections.map((collection) => join(condemned, collection)), images];
  for (const root of roots) {
    const folder = join(root, normalizeName(name), version);
    const file = (await listFolder(folder)).find((item) => imageNameOfFile(item) === wanted);
    if (file !== undefined) return join(folder, file);
  }
  return undefined;
}

async function listFolder(path: string): Promise<string[]> {
  return (await unless('ENOENT', readdir(path))) ?? [];
}

async function isPublished({ environments }: Workspace, manifest: Manifest): Promise<boolean> {
  const { manifests } = await environments.readAll();
  return manifests.some(
    ({ serial, generation }) => serial === manifest.serial && generation === manifest.generation,
  );
}
