import { lstatSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { syncFolder } from '../../base/atomic-write.js';
import { ShenvError, unless } from '../../base/errors.js';
import { hiddenBy } from '../../upper/names.js';
import type { UpperFolder } from '../upper-folder.js';
import { withUpperLock } from './upper-lock.js';
import { whiteoutPathOf } from './upper-tree.js';

/** What was taken back. */
export interface Reverted {
  /** Paths whose copy or whiteout is gone. */
  paths: string[];
}

/**
 * The names that stand for `paths` in an upper layer, relative to its `tree`; '' stands for all that it has. Throws USAGE
 * for a path outside of the environment, and for one in a folder that was itself removed.
 */
export function pathsToRevert(root: string, paths: readonly string[]): string[] {
  const names = paths.map((path) => posix.normalize(path).replace(/\/$/, ''));
  for (const path of names) assertInside(root, path);
  const found = names.flatMap((path) => (path === '.' || path === '' ? allOf(root) : [path]));
  return [...new Set(found)].filter((path) => isEdited(root, path));
}

function assertInside(root: string, path: string): void {
  if (path.startsWith('/') || path === '..' || path.startsWith('../')) {
    throw new ShenvError('USAGE', `'${path}' is not in the environment`, {
      hint: 'Give paths as `shenv-fs diff` lists them, relative to the root of the environment.',
    });
  }
  for (let above = posix.dirname(path); above !== '.'; above = posix.dirname(above)) {
    if (!isThere(whiteoutPathOf(join(root, above)))) continue;
    throw new ShenvError(
      'USAGE',
      `'${path}' cannot be taken back alone: '${above}' was removed or replaced`,
      {
        hint: `Take the whole folder back: ${above}`,
      },
    );
  }
}

/** Top-level names of an upper layer. */
function allOf(root: string): string[] {
  return [...new Set(readdirSync(root).map((name) => hiddenBy(name) ?? name))];
}

function isEdited(root: string, path: string): boolean {
  return isThere(join(root, path)) || isThere(whiteoutPathOf(join(root, path)));
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    // A file where the path has a folder.
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return false;
    throw error;
  }
}

/**
 * Takes local edits back in an upper layer that no process serves: copies are moved to `orphans/`, which is emptied,
 * then whiteouts are removed. Throws ENVIRONMENT_IN_USE where one does, and as `pathsToRevert`.
 */
export async function revertOnDisk(
  upper: UpperFolder,
  name: string,
  paths: readonly string[],
): Promise<Reverted> {
  return withUpperLock(upper, name, async () => {
    const doomed = pathsToRevert(upper.tree, paths);
    for (const path of doomed) takeBack(upper, path);
    for (const parent of new Set(doomed.map((path) => dirname(join(upper.tree, path)))))
      await unless('ENOENT', syncFolder(parent));
    await upper.removeOrphans();
    return { paths: doomed };
  });
}

function takeBack({ tree, orphans }: UpperFolder, path: string): void {
  const target = join(tree, path);
  const status = lstatSync(target, { bigint: true, throwIfNoEntry: false });
  if (status) renameSync(target, join(orphans, status.ino.toString(16)));
  const whiteout = whiteoutPathOf(target);
  if (isThere(whiteout)) unlinkSync(whiteout);
}
