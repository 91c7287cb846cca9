import { existsSync, linkSync, lstatSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isRefusal, systemErrorCode } from '../base/errors.js';
import { ownUid } from '../base/trust.js';
import type { StorePart } from './chain.js';
import { makeFolderSync } from './modes.js';

/**
 * Takes the images in the folder `distribution` whose file names end with `ending` back from a gc that has condemned
 * them; true when one is in its place again. Of a look-up and a gc that unlinks it exactly one wins: link(2) finds the
 * file or it does not. Without yielding, because look-ups are: nothing is condemned most of the time.
 */
export function rescue(part: StorePart, distribution: string, ending: string): boolean {
  const { condemned } = part.layout;
  let found = false;
  for (const collection of list(condemned)) {
    const folder = join(condemned, collection, distribution);
    if (![join(condemned, collection), folder].every((path) => part.believesFolder(path))) continue;
    for (const version of list(folder)) {
      if (!part.believesFolder(join(folder, version))) continue;
      for (const file of list(join(folder, version))) {
        if (!file.endsWith(ending)) continue;
        found = putBack(part, join(folder, version, file), join(distribution, version, file)) || found;
      }
    }
  }
  return found;
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
    makeFolderSync(layout, dirname(target));
    if (![dirname(target), dirname(dirname(target))].every((path) => part.believesFolder(path))) return false;
    moveExclusively(condemned, target);
    return true;
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

/** A name that is taken stays whose it is. link(2) of another user's file is refused to the owner of the folders. */
function moveExclusively(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (isRefusal(error) && !existsSync(to)) renameSync(from, to);
    else if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
  rmSync(from, { force: true });
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
