import { copyFile, lstat, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { stagingName, syncFolder } from '../base/atomic-write.js';
import type { Serial } from '../base/brands.js';
import { isRefusal, ShenvError, systemErrorCode, unless } from '../base/errors.js';
import { Image } from '../image/read.js';
import { renumberImage } from '../image/renumber.js';
import { listFolder, type StorePart } from './chain.js';
import { imageNameOfFile } from './layout.js';
import { copyAccess } from './modes.js';
import { noteRenewal } from './renewals.js';
import { claimSerial, firstSerial, lastSerial } from './serials.js';
import { contentsOf } from './shown-serials.js';
import type { Store } from './store.js';

export interface Renumbered {
  path: string;
  before: Serial;
  after: Serial;
}

/**
 * Gives images of the store that is written new numbers where another image of it, or of a store below it, has the
 * same. Each is copied and the copy renamed over it, so that whoever has it open reads on. Throws STORE_UNUSABLE for an
 * image that is not this user's to replace.
 */
export async function renumberClashing(store: Store): Promise<Renumbered[]> {
  await store.prepare();
  const known = new Map<Serial, string>();
  for (const part of store.parts.slice(1)) {
    for await (const image of everyImage(part)) known.set(image.serial, contentsOf(image));
  }
  const clashing: Image[] = [];
  for await (const image of everyImage(store.first)) {
    const contents = contentsOf(image);
    if ((known.get(image.serial) ?? contents) === contents) known.set(image.serial, contents);
    else clashing.push(image);
  }
  if (clashing.length > 0) await moveAway(store);
  const renumbered: Renumbered[] = [];
  for (const image of clashing) {
    const after = await claimApart(store, known);
    await replaceNumber(store, image, after);
    renumbered.push({ path: image.path, before: image.serial, after });
  }
  if (renumbered.length > 0) await noteRenewal(store.layout);
  return renumbered;
}

/** The images of one store, of wheels and of bytecode; without what cannot be read, which is no mount's to show. */
async function* everyImage(part: StorePart): AsyncGenerator<Image> {
  for (const name of new Set(await part.distributions())) {
    for (const { folder } of await part.versionFolders(name)) {
      for (const file of await listFolder(folder)) {
        if (imageNameOfFile(file) === undefined) continue;
        const image = readOutline(part, join(folder, file));
        if (image) yield image;
      }
    }
  }
}

function readOutline(part: StorePart, path: string): Image | undefined {
  try {
    return Image.outline(path, part.trust);
  } catch (error) {
    if (error instanceof ShenvError || systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes the store count on in a range where none of those below it is, if it is in one of theirs. */
async function moveAway({ first, layouts }: Store): Promise<void> {
  const others = await Promise.all(layouts.slice(1).map(lastSerial));
  const start = firstSerial(others, await lastSerial(first.layout));
  await (await open(join(first.layout.serials, String(start)), 'a', 0o644)).close();
}

async function claimApart(store: Store, known: ReadonlyMap<Serial, string>): Promise<Serial> {
  for (;;) {
    const serial = await claimSerial(store);
    if (!known.has(serial)) return serial;
  }
}

async function replaceNumber({ first }: Store, { path }: Image, serial: Serial): Promise<void> {
  const copy = join(first.layout.staging, stagingName());
  try {
    await copyFile(path, copy);
    await renumberImage(copy, serial);
    await copyAccess(copy, await lstat(path));
    if (!(await unless('ENOENT', stat(path)))) return;
    await rename(copy, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    if (!isRefusal(cause)) throw cause;
    throw new ShenvError('STORE_UNUSABLE', `The image ${basename(path)} is not yours to replace`, {
      hint: 'Let the owner of the store, or root, run `shenv-fs store renumber`.',
      path,
      cause,
    });
  } finally {
    await rm(copy, { force: true });
  }
}
