import { lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { systemErrorCode } from '../base/errors.js';
import { copyUpFolder } from './copy-up.js';
import { listAttributes } from './extended-attributes.js';
import { FileError } from './file-error.js';
import { isFolder } from './merged-tree.js';
import { whiteoutOf } from './names.js';
import { type FolderNode, types } from './nodes.js';
import type { UpperState } from './options.js';
import { stampOf } from './stamp.js';

/**
 * The steps of adoption (docs/writable.md). Paths are those at which things are shown. Nothing that is shown changes by
 * any of them, nor the time of a folder that stays.
 */

/** The folder at a path, if it has a part in the upper layer. */
export function folderAt({ tree }: UpperState, path: string): FolderNode | undefined {
  let folder = tree.root;
  for (const name of path === '' ? [] : path.split('/')) {
    const node = folder.children.get(name)?.node;
    if (node?.kind !== 'folder') return undefined;
    folder = node;
  }
  return folder;
}

export function split(path: string): { above: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { above: path.slice(0, Math.max(0, slash)), name: path.slice(slash + 1) };
}

/** Makes a whiteout of a name that is not shown, whether the lower tree has it or not. Throws ENOENT, ENOTDIR. */
export function hide(state: UpperState, path: string): void {
  const { disk, tree } = state;
  const { above, name } = split(path);
  const folder = above
    .split('/')
    .filter((part) => part !== '')
    .reduce((at, part) => copyUpFolder(state, folderIn(state, at, part)), tree.root);
  if (folder.whiteouts.has(name)) return;
  if (!folder.children.has(name) && tree.lowerHas(folder, name)) throw new FileError('EEXIST', path);
  disk.keepingTime(folder, () =>
    disk.calls.makeNode(disk.pathIn(folder, whiteoutOf(name)), types.file | 0o600, 0),
  );
  folder.whiteouts.add(name);
}

function folderIn({ tree }: UpperState, folder: FolderNode, name: string) {
  const thing = tree.child(folder, name);
  if (thing === undefined) throw new FileError('ENOENT', name);
  if (!isFolder(thing)) throw new FileError('ENOTDIR', name);
  return thing;
}

/** Removes a whiteout, where there is one: a folder of that name is merged with its lower one from now on. */
export function reveal(state: UpperState, path: string, onMerged: (folder: FolderNode) => void): void {
  const { disk, tree } = state;
  const { above, name } = split(path);
  const folder = folderAt(state, above);
  if (!folder?.whiteouts.has(name)) return;
  disk.keepingTime(folder, () => unlinkSync(disk.pathIn(folder, whiteoutOf(name))));
  folder.whiteouts.delete(name);
  const child = folder.children.get(name)?.node;
  if (child?.kind === 'folder') tree.mergeAgain(child, onMerged);
}

/**
 * Takes away the copy of a file or link that the lower tree has just so; who has it open keeps it. False, and nothing is
 * done, where it is not in the state `stamp` (`stampOf`) or has attributes.
 */
export function giveBack(state: UpperState, path: string, stamp: string): boolean {
  const { disk, tree, events } = state;
  const { above, name } = split(path);
  const folder = folderAt(state, above);
  const file = folder?.children.get(name)?.node;
  if (folder === undefined || file?.kind !== 'file') return false;
  const onDisk = disk.pathIn(folder, name);
  const isAnother = stampOf(lstatSync(onDisk, { bigint: true })) !== stamp;
  if (isAnother || listAttributes(state, file).length > 0) return false;
  const isLast = file.places.length === 1;
  const lower = folder.merged && tree.lower.child(folder.merged.entry, name);
  const isItself = lower !== undefined && tree.lower.inodeOf(lower) === file.inode;
  disk.keepingTime(folder, () => {
    if (isLast && !isItself) disk.calls.renameAt(onDisk, disk.orphanPath(file.inode), 0);
    else unlinkSync(onDisk);
  });
  tree.detach(folder, name);
  if (isLast && !isItself) events.orphaned(file.inode);
  else if (isLast) {
    tree.nodes.delete(file.inode);
    events.restored(file.inode);
  }
  // Last: what the kernel forgets then has to be waited for.
  events.outdated([folder.inode, ...folder.aliases], name);
  return true;
}

/**
 * Removes the part of a folder that has nothing of its own any more. Its numbers go on to lead to the lower folder. False
 * where there is something, or it has another modification time or mode by now, or is not merged.
 */
export function giveBackFolder(
  state: UpperState,
  path: string,
  { mtimeNs, mode }: { mtimeNs: bigint; mode: number },
): boolean {
  const { disk, tree, events } = state;
  const folder = path === '' ? undefined : folderAt(state, path);
  if (folder?.merged === undefined || folder.children.size + folder.whiteouts.size > 0) return false;
  const { parent, merged } = folder;
  const below = parent?.merged && tree.lower.child(parent.merged.entry, folder.name);
  const isInPlace = below !== undefined && tree.lower.inodeOf(below) === merged.inode;
  if (!parent || !isInPlace || folder.marker !== undefined || parent.whiteouts.has(folder.name)) return false;
  const onDisk = disk.folderPath(folder);
  const status = lstatSync(onDisk, { bigint: true });
  if (status.mtimeNs !== mtimeNs || (Number(status.mode) & 0o7777) !== mode) return false;
  try {
    disk.keepingTime(parent, () => rmdirSync(onDisk));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOTEMPTY') return false;
    throw error;
  }
  tree.detach(parent, folder.name);
  tree.unmerge(folder);
  for (const inode of [folder.inode, ...folder.aliases]) {
    tree.nodes.delete(inode);
    if (inode === merged.inode) events.restored(inode);
    else {
      tree.lead(inode, merged.path);
      events.orphaned(inode);
    }
  }
  events.outdated([parent.inode, ...parent.aliases], folder.name);
  return true;
}
