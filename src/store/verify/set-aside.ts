import { access, constants, mkdir, readdir, rename, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { syncFolder } from '../../base/atomic-write.js';
import { isRefusal, ShenvError, unless } from '../../base/errors.js';
import { normalizeName } from '../../wheel/filename.js';
import { imageNameOfFile, type StoreLayout } from '../layout.js';
import { basePathOf, inspectImage } from './inspect.js';
import type { ImageVerdict } from './verify.js';

/** Throws STORE_UNUSABLE where images cannot be put aside. */
export async function assertRepairable({ root, images, damaged }: StoreLayout): Promise<void> {
  try {
    await mkdir(damaged, { recursive: true });
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

/**
 * Images of `distributions` (all where it is empty) that were put aside and have nothing in their place yet, by the
 * verdict that their damaged files give.
 */
export async function listLost(
  layout: StoreLayout,
  distributions: readonly string[],
): Promise<(ImageVerdict & { asideAt: string })[]> {
  const { images, damaged } = layout;
  const lost = new Map<string, ImageVerdict & { asideAt: string }>();
  const wanted = new Set(distributions.map(normalizeName));
  const files = (await unless('ENOENT', readdir(damaged, { recursive: true }))) ?? [];
  for (const file of files.sort()) {
    const [distribution = '', version = '', name = ''] = file.split('/');
    const image = imageNameOfFile(name.replace(/\.\d+$/, ''));
    const path = join(images, file.replace(/\.\d+$/, ''));
    if (!image || path === join(images, file) || (wanted.size > 0 && !wanted.has(distribution))) continue;
    if ((await unless('ENOENT', stat(path))) !== undefined) continue;
    const { runs: _, ...found } = inspectImage(join(damaged, file), images);
    const known = lost.get(path);
    if (known?.serial !== undefined && found.serial === undefined) continue;
    const faults = [{ kind: 'damaged', rule: 'it was put aside earlier' } as const];
    const place = { path, distribution, version, image, basePath: basePathOf(path) };
    lost.set(path, { ...found, ...place, faults, asideAt: join(damaged, file) });
  }
  return [...lost.values()];
}

/**
 * Takes a damaged image away from its name: it is renamed to `damaged/<name>/<version>/<file>.<n>` and never deleted.
 * Where it is now; undefined where another process has replaced or removed it meanwhile.
 */
export async function setAside(
  { images, damaged }: StoreLayout,
  { path, inode }: Pick<ImageVerdict, 'path' | 'inode'>,
): Promise<string | undefined> {
  const status = await unless('ENOENT', stat(path));
  if (!status || (inode !== undefined && status.ino !== inode)) return undefined;
  const folder = join(damaged, relative(images, dirname(path)));
  await mkdir(folder, { recursive: true });
  const file = basename(path);
  const earlier = (await readdir(folder)).filter((name) => name.startsWith(`${file}.`));
  const numbers = earlier.map((name) => Number(name.slice(file.length + 1)) || 0);
  const target = join(folder, `${file}.${Math.max(0, ...numbers) + 1}`);
  await rename(path, target);
  await syncFolder(folder);
  await syncFolder(dirname(path));
  return target;
}
