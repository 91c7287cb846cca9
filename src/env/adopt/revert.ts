import { lstatSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { syncFolder } from '../../base/atomic-write.js';
import { ShenvError, unless } from '../../base/errors.js';
import { removeTree } from '../../base/remove-tree.js';
import type { UpperFolder } from '../upper-folder.js';
import { withUpperLock } from './upper-lock.js';
import { whiteoutPrefix } from './upper-tree.js';

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
    if (!isThere(whiteoutOf(root, above))) continue;
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
  const names = readdirSync(root).map((name) =>
    name.startsWith(whiteoutPrefix) ? name.slice(whiteoutPrefix.length) : name,
  );
  return [...new Set(names)];
}

function isEdited(root: string, path: string): boolean {
  return isThere(join(root, path)) || isThere(whiteoutOf(root, path));
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

function whiteoutOf(root: string, path: string): string {
  return join(root, dirname(path), `${whiteoutPrefix}${basename(path)}`);
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
    await removeTree(upper.orphans);
    await mkdir(upper.orphans, { mode: 0o700 });
    return { paths: doomed };
  });
}

function takeBack({ tree, orphans }: UpperFolder, path: string): void {
  const target = join(tree, path);
  const status = lstatSync(target, { bigint: true, throwIfNoEntry: false });
  if (status) renameSync(target, join(orphans, status.ino.toString(16)));
  const whiteout = whiteoutOf(tree, path);
  if (isThere(whiteout)) unlinkSync(whiteout);
}
