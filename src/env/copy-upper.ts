import { constants, type Stats } from 'node:fs';
import {
  chmod,
  copyFile,
  link,
  lstat,
  lutimes,
  mkdir,
  open,
  readdir,
  readlink,
  symlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../base/atomic-write.js';
import { unless } from '../base/errors.js';
import type { UpperFolder } from './upper-folder.js';

/**
 * Copies what an upper layer holds into a new one, durably; contents are shared where the disk can (FICLONE). Modes, times (to a
 * microsecond) and hard links are kept; extended attributes are not: they hold inode numbers of the other environment.
 * What is being written meanwhile is copied as it happens to be; sockets, pipes and devices are left out.
 */
export async function copyUpper(source: UpperFolder, target: UpperFolder): Promise<void> {
  const copying = new Copying();
  await copying.fill(source.tree, target.tree, await lstat(source.tree));
  await unless('ENOENT', copyDurably(source.times, target.times));
}

class Copying {
  /** Where files with several names were copied to, by device and inode number. */
  readonly #copied = new Map<string, string>();

  /** What `source` holds, into the folder `target`, which takes its mode and time. */
  async fill(source: string, target: string, status: Stats): Promise<void> {
    for (const name of (await unless('ENOENT', readdir(source))) ?? [])
      await this.#copy(join(source, name), join(target, name));
    // A folder of the user's may be one that cannot be opened.
    await syncFolder(target);
    await chmod(target, status.mode & 0o7777);
    await copyTimes(target, status);
  }

  async #copy(source: string, target: string): Promise<void> {
    const status = await unless('ENOENT', lstat(source));
    if (status?.isDirectory()) {
      await mkdir(target, { mode: 0o700 });
      await this.fill(source, target, status);
    } else if (status?.isSymbolicLink()) {
      await symlink(await readlink(source), target);
      await copyTimes(target, status);
    } else if (status?.isFile()) await this.#copyFile(source, target, status);
  }

  async #copyFile(source: string, target: string, status: Stats): Promise<void> {
    const key = `${status.dev}:${status.ino}`;
    const known = this.#copied.get(key);
    if (known !== undefined) return link(known, target);
    if (status.nlink > 1) this.#copied.set(key, target);
    await unless('ENOENT', copyDurably(source, target, status));
  }
}

async function copyDurably(source: string, target: string, status?: Stats): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  if (status) await copyTimes(target, status);
  const file = await open(target, 'r');
  await file.sync().finally(() => file.close());
}

async function copyTimes(target: string, { atimeMs, mtimeMs }: Stats): Promise<void> {
  await lutimes(target, atimeMs / 1000, mtimeMs / 1000);
}
