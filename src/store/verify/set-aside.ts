import { access, constants, mkdir, readdir, rename, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { syncFolder } from '../../base/atomic-write.js';
import { isRefusal, ShenvError, unless } from '../../base/errors.js';
import type { StoreLayout } from '../layout.js';
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
