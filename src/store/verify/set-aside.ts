import { access, constants, lstat, readdir, rename } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { syncFolder } from '../../base/atomic-write.js';
import { isRefusal, ShenvError, unless } from '../../base/errors.js';
import { normalizeName } from '../../wheel/filename.js';
import { listFolder, type StorePart } from '../chain.js';
import { distributionOf, type ImageName, imageNameOfFile, imageSuffix, type StoreLayout } from '../layout.js';
import { makeFolder } from '../modes.js';
import type { Store } from '../store.js';
import { inspectImage } from './inspect.js';
import type { ImageVerdict } from './verify.js';
import { filesEnding, placeOf } from './walk.js';

/** Throws STORE_UNUSABLE where images cannot be put aside. */
export async function assertRepairable(layout: StoreLayout): Promise<void> {
  const { root, images, damaged } = layout;
  try {
    await makeFolder(layout, damaged);
    for (const folder of [images, damaged]) await access(folder, constants.W_OK);
  } catch (cause) {
    if (!isRefusal(cause)) throw cause;
    throw new ShenvError('STORE_UNUSABLE', `The store at ${root} cannot be written`, {
      hint: 'Repair it as the user who owns it, or where it is not mounted read-only.',
      path: root,
      cause,
    });
  }
}

/** An image that was put aside. */
export interface LostImage extends ImageVerdict {
  /** Where the damaged file is. */
  asideAt: string;
}

/**
 * Images of `distributions` (all where it is empty) that were put aside and have nothing in their place yet, by the
 * verdict that their damaged files give. What somebody who is not believed has put there is none.
 */
export async function listLost(store: Store, distributions: readonly string[]): Promise<LostImage[]> {
  const { layout } = store;
  const lost = new Map<string, LostImage>();
  const wanted = new Set(distributions.map(normalizeName));
  for (const asideAt of await listAside(store.first)) {
    const path = join(layout.images, relative(layout.damaged, asideAt).replace(/\.\d+$/, ''));
    const image = imageNameOfFile(path);
    const status = await unless('ENOENT', lstat(asideAt));
    if (!image || !status || !store.first.trust.believesFile(status)) continue;
    const place = await placeOf(store.parts, path, image);
    if (wanted.size > 0 && !wanted.has(place.distribution)) continue;
    if (await isReplaced(layout, path, image)) continue;
    const { runs: _, ...found } = inspectImage(asideAt, layout.images);
    const known = lost.get(path);
    if (known?.serial !== undefined && found.serial === undefined) continue;
    const faults = [{ kind: 'damaged', rule: 'it was put aside earlier' } as const];
    lost.set(path, { ...found, ...place, uid: status.uid, isBelieved: true, faults, asideAt });
  }
  return [...lost.values()];
}

/** Files `damaged/<name>/<version>/<file>.<n>`, sorted. */
async function listAside(part: StorePart): Promise<string[]> {
  let found = [part.layout.damaged];
  for (const _ of ['names', 'versions', 'files']) {
    const below = found
      .filter((folder) => part.believesFolder(folder))
      .map(async (folder) => (await listFolder(folder)).map((name) => join(folder, name)));
    found = (await Promise.all(below)).flat();
  }
  return found.filter((path) => /\.img\.\d+$/.test(path));
}

/** By an image of the same wheel, in the same folder or in that which everybody looks into. */
async function isReplaced(layout: StoreLayout, path: string, image: ImageName): Promise<boolean> {
  const folder = relative(layout.images, dirname(path));
  for (const other of new Set([folder, join(distributionOf(folder), basename(folder))])) {
    if ((await filesEnding(layout, other, `-${image}${imageSuffix}`)).length > 0) return true;
  }
  return false;
}

/**
 * Takes a damaged image away from its name: it is renamed to `damaged/<name>/<version>/<file>.<n>` and never deleted.
 * Where it is now; undefined where another process has replaced or removed it meanwhile.
 */
export async function setAside(
  layout: StoreLayout,
  { path, inode }: Pick<ImageVerdict, 'path' | 'inode'>,
): Promise<string | undefined> {
  const { images, damaged } = layout;
  const status = await unless('ENOENT', lstat(path));
  if (!status || (inode !== undefined && status.ino !== inode)) return undefined;
  const folder = join(damaged, relative(images, dirname(path)));
  await makeFolder(layout, folder);
  const file = basename(path);
  const earlier = (await readdir(folder)).filter((name) => name.startsWith(`${file}.`));
  const numbers = earlier.map((name) => Number(name.slice(file.length + 1)) || 0);
  const target = join(folder, `${file}.${Math.max(0, ...numbers) + 1}`);
  await rename(path, target);
  await syncFolder(folder);
  await syncFolder(dirname(path));
  return target;
}
