import type { Dirent } from 'node:fs';
import { lstat, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { isRefusal, systemErrorCode, unless } from '../../base/errors.js';
import type { StorePart } from '../chain.js';
import { blockBytes } from '../holdings.js';
import { type ImageName, imageNameOfFile, type StoreLayout } from '../layout.js';
import { makeFolder } from '../modes.js';
import { putBack } from '../rescue.js';

/** Takes an image out of the sight of look-ups; false where it is gone or another user's. */
export async function condemn(layout: StoreLayout, collection: string, place: string): Promise<boolean> {
  const target = join(layout.condemned, collection, place);
  try {
    await makeFolder(layout, dirname(target));
    await rename(join(layout.images, place), target);
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
  /** `waiting`: put back as well, for the next gc. */
  fate: 'removed' | 'put back' | 'waiting';
}

/**
 * Ends what a collection has begun: images that are referred to now go back, others are unlinked when `isSettled`,
 * and go back for the next gc when not: users who may not move them have to find them. One that a look-up takes back
 * meanwhile is no matter here, nor is what is no image.
 */
export async function sentence(
  part: StorePart,
  collection: string,
  { referred, isSettled }: { referred: ReadonlySet<ImageName>; isSettled: boolean },
): Promise<Sentence[]> {
  const folder = join(part.layout.condemned, collection);
  const images = await imagesBelow(part, folder);
  const sentences: Sentence[] = [];
  const carryOut = async (found: FoundImage, fate: Sentence['fate']) => {
    const place = relative(folder, found.path);
    const isDone = fate === 'removed' ? await remove(found.path) : putBack(part, found.path, place);
    if (isDone) sentences.push({ place, bytes: found.bytes, fate });
  };
  // A wheel's image goes back before its bytecode, and is removed after it.
  for (const found of images.toReversed()) {
    if (referred.has(found.image)) await carryOut(found, 'put back');
    else if (!isSettled) await carryOut(found, 'waiting');
  }
  if (isSettled) for (const found of images) if (!referred.has(found.image)) await carryOut(found, 'removed');
  await removeEmptyFolders(part, folder);
  return sentences;
}

/** Removes folders without files below `folder`, and itself; one that is filled meanwhile stays. */
export async function removeEmptyFolders(part: StorePart, folder: string): Promise<void> {
  if (!part.believesFolder(folder)) return;
  for (const entry of await entriesOf(folder))
    if (entry.isDirectory()) await removeEmptyFolders(part, join(folder, entry.name));
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
    // On NFS a file that a process of this host has open cannot be unlinked a second time.
    if (['ENOENT', 'EBUSY'].includes(systemErrorCode(error) ?? '') || isRefusal(error)) return false;
    throw error;
  }
}

/** An image file by its name; times and sizes are of the file system. */
export interface FoundImage {
  path: string;
  image: ImageName;
  /** On disk. */
  bytes: number;
  mtimeMs: number;
}

/**
 * Images below a folder that others change meanwhile; bytecode before what it is made of. In a shared store those in
 * folders of users who are believed: anybody else could put another folder in the place of his own at any time.
 */
export async function imagesBelow(part: StorePart, folder: string): Promise<FoundImage[]> {
  const images: FoundImage[] = [];
  for await (const found of walk(part, folder)) images.push(found);
  return images.sort((a, b) => b.image.length - a.image.length);
}

async function* walk(part: StorePart, folder: string): AsyncGenerator<FoundImage> {
  if (!part.believesFolder(folder)) return;
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(part, path);
    const image = imageNameOfFile(path);
    const status = image && (await unless('ENOENT', lstat(path)));
    if (status?.isFile())
      yield { path, image: image!, bytes: status.blocks * blockBytes, mtimeMs: status.mtimeMs };
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  return (await unless('ENOENT', readdir(folder, { withFileTypes: true }))) ?? [];
}
