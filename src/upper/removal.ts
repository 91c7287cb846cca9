import { linkSync, lstatSync, unlinkSync } from 'node:fs';
import { systemErrorCode } from '../base/errors.js';
import type { Request } from './attributes.js';
import { copyUpFolder } from './copy-up.js';
import { FileError } from './file-error.js';
import { hideLower, removeFolder } from './hiding.js';
import { isFolder } from './merged-tree.js';
import { checkName } from './names.js';
import type { FileNode, FolderNode, LowerFolderThing, Thing } from './nodes.js';
import type { UpperState } from './options.js';

/** What has a name in a folder. Throws ENOTDIR, ENAMETOOLONG, ENOENT. */
export function existing(
  { tree }: UpperState,
  parentInode: bigint,
  name: string,
): { parent: FolderNode | LowerFolderThing; thing: Thing | undefined } {
  const parent = tree.findFolder(parentInode);
  checkName(name);
  return { parent, thing: tree.child(parent, name) };
}

export function unlink(state: UpperState, parentInode: bigint, name: string, { isResent }: Request): void {
  const { parent, thing } = existing(state, parentInode, name);
  if (thing === undefined) {
    if (isResent) return;
    throw new FileError('ENOENT', name);
  }
  if (isFolder(thing)) throw new FileError('EISDIR', name);
  const folder = copyUpFolder(state, parent);
  hideLower(state, folder, name);
  if (thing.kind === 'lower') return;
  removeName(state, thing, folder, name);
}

/** Takes a file's name away; the last one moves to `orphans/`. */
function removeName(state: UpperState, file: FileNode, folder: FolderNode, name: string): void {
  const { disk, tree, events } = state;
  const isLast = file.places.length === 1;
  if (isLast) disk.calls.renameAt(disk.pathIn(folder, name), disk.orphanPath(file.inode), 0);
  else unlinkSync(disk.pathIn(folder, name));
  tree.detach(folder, name);
  if (isLast) events.orphaned(file.inode);
}

/**
 * Before a file's name is given to another: its last link will be that in `orphans/`. Where the disk has no hard links
 * a descriptor that is open is all that is left of it.
 */
export function prepareReplacing({ disk }: UpperState, file: FileNode): void {
  if (file.places.length !== 1) return;
  try {
    linkSync(disk.pathOf(file), disk.orphanPath(file.inode));
  } catch (error) {
    if (!['EEXIST', 'EPERM', 'EMLINK', 'EOPNOTSUPP'].includes(systemErrorCode(error) ?? '')) throw error;
  }
}

/** It was not given to another after all. */
export function keepReplaced({ disk }: UpperState, file: FileNode): void {
  if (file.places.length === 1) removeOrphan(disk.orphanPath(file.inode));
}

/** The name was given to another. */
export function replaced(
  { tree, events }: UpperState,
  file: FileNode,
  folder: FolderNode,
  name: string,
): void {
  tree.detach(folder, name);
  if (file.places.length === 0) events.orphaned(file.inode);
}

export function rmdir(state: UpperState, parentInode: bigint, name: string, { isResent }: Request): void {
  const { parent, thing } = existing(state, parentInode, name);
  if (thing === undefined) {
    if (isResent) return;
    throw new FileError('ENOENT', name);
  }
  if (!isFolder(thing)) throw new FileError('ENOTDIR', name);
  if (!state.tree.isEmpty(thing)) throw new FileError('ENOTEMPTY', name);
  if (thing.kind === 'lower') hideLower(state, copyUpFolder(state, parent), name);
  else removeFolder(state, thing);
}

/** As `UpperLayer.forget`. */
export function forget(state: UpperState, inode: bigint): void {
  const { disk, tree, events } = state;
  tree.forgetLed(inode);
  const node = tree.nodes.get(inode);
  if (node === undefined) return;
  if (node.kind === 'folder') {
    if (node.removed === undefined) return;
  } else {
    if (node.places.length > 0) return;
    removeOrphan(disk.orphanPath(inode));
  }
  for (const number of [node.inode, ...(node.kind === 'folder' ? node.aliases : [])]) {
    tree.nodes.delete(number);
    events.restored(number);
  }
}

function removeOrphan(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) unlinkSync(path);
}
