import { mkdir, readdir, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { isRefusal, systemErrorCode, unless } from '../../base/errors.js';
import { type ImageName, imageNameOfFile, type StoreLayout } from '../layout.js';
import { putBack } from '../rescue.js';

/** Takes an image out of the sight of look-ups; false where it is gone or another user's. */
export async function condemn(
  { images, condemned }: StoreLayout,
  collection: string,
  place: string,
): Promise<boolean> {
  const target = join(condemned, collection, place);
  try {
    await mkdir(dirname(target), { recursive: true });
    await rename(join(images, place), target);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || isRefusal(error)) return false;
    throw error;
  }
}

/** What became of one condemned image. */
export interface Sentence {
  place: string;
  bytes: number;
  fate: 'removed' | 'put back' | 'waiting';
}

/**
 * Ends what a collection has begun: images that are referred to now go back, others are unlinked when `isSettled`,
 * and wait for the next gc when not. One that a look-up takes back meanwhile is no matter here.
 */
export async function sentence(
  layout: StoreLayout,
  collection: string,
  { referred, isSettled }: { referred: ReadonlySet<ImageName>; isSettled: boolean },
): Promise<Sentence[]> {
  const folder = join(layout.condemned, collection);
  const sentences: Sentence[] = [];
  for (const path of await filesBelow(folder)) {
    const place = relative(folder, path);
    const name = imageNameOfFile(path);
    const bytes = (await unless('ENOENT', stat(path)))?.blocks;
    if (bytes === undefined) continue;
    const told = (fate: Sentence['fate']) => sentences.push({ place, bytes: bytes * 512, fate });
    if (name !== undefined && referred.has(name)) {
      if (putBack(layout, path, place)) told('put back');
    } else if (!isSettled) told('waiting');
    else if (await remove(path)) told('removed');
  }
  await removeEmptyFolders(folder);
  return sentences;
}

/** Removes folders without files below `folder`, and itself; one that is filled meanwhile stays. */
export async function removeEmptyFolders(folder: string, isKept = false): Promise<void> {
  for (const entry of (await unless('ENOENT', readdir(folder, { withFileTypes: true }))) ?? []) {
    if (entry.isDirectory()) await removeEmptyFolders(join(folder, entry.name));
  }
  if (isKept) return;
  await rmdir(folder).catch((error: unknown) => {
    const isFilled = ['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(systemErrorCode(error) ?? '');
    if (!isFilled && !isRefusal(error)) throw error;
  });
}

async function remove(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || isRefusal(error)) return false;
    throw error;
  }
}

/** Files below a folder that others change meanwhile; bytecode before what it is made of. */
export async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const path of walk(folder)) files.push(path);
  return files.sort((a, b) => (imageNameOfFile(b)?.length ?? 0) - (imageNameOfFile(a)?.length ?? 0));
}

async function* walk(folder: string): AsyncGenerator<string> {
  for (const entry of (await unless('ENOENT', readdir(folder, { withFileTypes: true }))) ?? []) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}
