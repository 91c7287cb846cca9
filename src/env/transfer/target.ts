import { lstat, readdir } from 'node:fs/promises';
import { ShenvError, unless } from '../../base/errors.js';

/** Throws TARGET_UNUSABLE unless nothing is at `path`, or an empty folder. */
export async function assertFreeFolder(path: string): Promise<void> {
  const info = await unless('ENOENT', lstat(path));
  if (info === undefined) return;
  if (!info.isDirectory()) throw targetTaken(path, 'is no folder');
  if ((await readdir(path)).length > 0) throw targetTaken(path, 'is not empty');
}

/** Throws TARGET_UNUSABLE when there is something at `path`. */
export async function assertFreeFile(path: string): Promise<void> {
  if ((await unless('ENOENT', lstat(path))) !== undefined) throw targetTaken(path, 'is there already');
}

export function targetTaken(path: string, rule: string): ShenvError {
  return new ShenvError('TARGET_UNUSABLE', `${path} ${rule}`, {
    hint: 'Nothing is ever written over; choose another place, or remove what is there.',
    path,
  });
}
