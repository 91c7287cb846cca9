import { existsSync, linkSync, lstatSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isRefusal, systemErrorCode } from '../base/errors.js';
import { ownUid } from '../base/trust.js';
import { listFolderSync, type StorePart } from './chain.js';
import { baseNameOf, type ImageName, imageNameOfFile } from './layout.js';
import { makeFolderSync } from './modes.js';

const mostTries = 8;

/**
 * Takes the images of one wheel in the folder `distribution` back from a gc that has condemned them, its bytecode with it;
 * true when one is in its place again. Of a look-up and a gc that unlinks it exactly one wins: link(2) finds the
 * file or it does not. Without yielding, because look-ups are: nothing is condemned most of the time.
 */
export function rescue(part: StorePart, distribution: string, wheel: ImageName): boolean {
  const found: { path: string; place: string }[] = [];
  for (const collection of listFolderSync(part.layout.condemned)) {
    for (const { version, file, path } of filesOf(part, collection, distribution)) {
      const name = imageNameOfFile(file);
      if (name && baseNameOf(name) === wheel) found.push({ path, place: join(distribution, version, file) });
    }
  }
  // The wheel's own image first: its bytecode is of no use without it.
  found.sort((a, b) => a.place.length - b.place.length);
  return found.map(({ path, place }) => putBack(part, path, place)).includes(true);
}

function filesOf(
  part: StorePart,
  collection: string,
  distribution: string,
): { version: string; file: string; path: string }[] {
  const above = join(part.layout.condemned, collection);
  const folder = join(above, distribution);
  if (![above, folder].every((path) => part.believesFolder(path))) return [];
  return listFolderSync(folder)
    .filter((version) => part.believesFolder(join(folder, version)))
    .flatMap((version) =>
      listFolderSync(join(folder, version)).map((file) => ({
        version,
        file,
        path: join(folder, version, file),
      })),
    );
}

/**
 * Gives a condemned image its name `place` below images/ again, unless there is one; false where it is gone, or not this
 * user's to move.
 */
export function putBack(part: StorePart, condemned: string, place: string): boolean {
  const { layout } = part;
  const target = join(layout.images, place);
  try {
    if (!isOurs(condemned, layout.images)) return false;
    for (let tries = 0; tries < mostTries; tries += 1) {
      makeFolderSync(layout, dirname(target));
      if (![dirname(target), dirname(dirname(target))].every((path) => part.believesFolder(path)))
        return false;
      if (moveExclusively(condemned, target)) return true;
    }
    return false;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || isRefusal(error)) return false;
    throw error;
  }
}

/** In a shared store only the owner of a file, that of the store, and root move it, and make its folder anew. */
function isOurs(condemned: string, images: string): boolean {
  const uid = ownUid();
  const status = lstatSync(condemned);
  return status.isFile() && (uid === 0 || uid === status.uid || uid === statSync(images).uid);
}

/** False where it has to be tried again. A name that is taken stays whose it is. link(2) of another user's file is refused to the owner of the folders. */
function moveExclusively(from: string, to: string): boolean {
  try {
    linkSync(from, to);
  } catch (error) {
    // Its new folder was empty, and a gc has taken it away.
    if (systemErrorCode(error) === 'ENOENT' && existsSync(from)) return false;
    if (isRefusal(error) && !existsSync(to)) renameSync(from, to);
    else if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
  rmSync(from, { force: true });
  return true;
}
