import { linkSync, mkdirSync, readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isRefusal, systemErrorCode } from '../base/errors.js';
import type { StoreLayout } from './layout.js';

/**
 * Takes the images of one distribution whose file names end with `ending` back from a gc that has condemned them; true
 * when one is in its place again. Of a look-up and a gc that unlinks it exactly one wins: link(2) finds the file or
 * it does not. Without yielding, because look-ups are: nothing is condemned most of the time.
 */
export function rescue(layout: StoreLayout, distribution: string, ending: string): boolean {
  let found = false;
  for (const collection of list(layout.condemned)) {
    const folder = join(layout.condemned, collection, distribution);
    for (const version of list(folder)) {
      for (const file of list(join(folder, version))) {
        if (!file.endsWith(ending)) continue;
        found = putBack(layout, join(folder, version, file), join(distribution, version, file)) || found;
      }
    }
  }
  return found;
}

/** Gives a condemned image its name `place` below images/ again, unless there is one; false where it is gone. */
export function putBack({ images }: StoreLayout, condemned: string, place: string): boolean {
  const target = join(images, place);
  try {
    mkdirSync(join(target, '..'), { recursive: true });
    linkSync(condemned, target);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || isRefusal(error)) return false;
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
  try {
    unlinkSync(condemned);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  return true;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
