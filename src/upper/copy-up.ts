import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { systemErrorCode } from '../base/errors.js';
import { attributesOf } from '../view/locate.js';
import type { ViewEntry } from '../view/tree.js';
import { permitted } from './access.js';
import { FileError } from './file-error.js';
import { type Anchor, isFolder } from './merged-tree.js';
import {
  type FileNode,
  type FolderNode,
  type LowerFolderThing,
  type LowerThing,
  newFile,
  newFolder,
  type Thing,
  type UpperNode,
} from './nodes.js';
import { carried, inodeAttribute } from './numbers.js';
import type { UpperState } from './options.js';
import { renameFlags } from './system-calls.js';

/** The part of a folder in `tree/`, made where there is none: without its children, but with its mode and time. */
export function copyUpFolder(state: UpperState, folder: FolderNode | LowerFolderThing): FolderNode {
  if (folder.kind === 'folder') {
    if (folder.removed) throw new FileError('ENOENT', folder.name);
    return folder;
  }
  const anchor = state.tree.anchorOf(folder.path);
  if (anchor === undefined) throw new FileError('ENOENT', folder.path);
  return anchor.rest.reduce((above, name) => copyUpOne(state, above, name), anchor.folder);
}

function copyUpOne(state: UpperState, parent: FolderNode, name: string): FolderNode {
  const { disk, tree, events } = state;
  const entry = tree.lower.folderChild(parent.merged!.entry, name)!;
  const temporary = disk.temporaryPath();
  mkdirSync(temporary, 0o700);
  try {
    finishCopy(state, temporary, entry);
    disk.keepingTime(parent, () =>
      disk.calls.renameAt(temporary, disk.pathIn(parent, name), renameFlags.noReplace),
    );
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
  const folder = newFolder(tree.lower.inodeOf(entry), parent, name);
  tree.attach(parent, name, folder);
  tree.merge(folder);
  tree.nodes.set(folder.inode, folder);
  events.changed(folder.inode);
  return folder;
}

function finishCopy({ disk, tree }: UpperState, path: string, entry: ViewEntry): void {
  const { mode, mtimeNs } = attributesOf(tree.lower.lower.view, entry);
  if (entry.kind !== 'link') chmodSync(path, mode & 0o7777);
  disk.calls.setTimes(path, mtimeNs, mtimeNs);
}

/**
 * The part of anything in the upper layer, made where there is none. A lower file that is not shown any more becomes an
 * orphan. Throws ContentMissing.
 */
export function copyUp(state: UpperState, thing: Thing): UpperNode {
  if (thing.kind === 'file') return thing;
  return isFolder(thing) ? copyUpFolder(state, thing) : copyUpFile(state, thing);
}

function copyUpFile(state: UpperState, { entry, path }: LowerThing): FileNode {
  const inode = state.tree.lower.inodeOf(entry);
  const temporary = makeCopy(state, entry, inode);
  try {
    const anchor = state.tree.anchorOf(path);
    if (anchor !== undefined) return placeCopy(state, anchor, temporary, entry);
    state.disk.calls.renameAt(temporary, state.disk.orphanPath(inode), renameFlags.noReplace);
    const orphan = registerCopy(state, entry);
    state.events.orphaned(inode);
    return orphan;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function placeCopy(state: UpperState, anchor: Anchor, temporary: string, entry: ViewEntry): FileNode {
  const { disk, tree } = state;
  const name = anchor.rest.at(-1)!;
  const folder = anchor.rest
    .slice(0, -1)
    .reduce((above, part) => copyUpOne(state, above, part), anchor.folder);
  // Here, because what copied the content may not have it a second time.
  permitted(
    state,
    () => [folder],
    () =>
      disk.keepingTime(folder, () =>
        disk.calls.renameAt(temporary, disk.pathIn(folder, name), renameFlags.noReplace),
      ),
  );
  const file = registerCopy(state, entry);
  tree.attach(folder, name, file);
  return file;
}

function registerCopy({ tree, events }: UpperState, entry: ViewEntry): FileNode {
  const inode = tree.lower.inodeOf(entry);
  const file = newFile(inode, entry.kind === 'link' ? constants.S_IFLNK : constants.S_IFREG);
  file.isUnsynced = true;
  tree.nodes.set(inode, file);
  events.changed(inode);
  return file;
}

/** A complete copy under a name in `orphans/` that nobody sees. */
function makeCopy(state: UpperState, entry: ViewEntry, inode: bigint): string {
  const path = state.disk.temporaryPath();
  try {
    if (entry.kind === 'link') symlinkSync(entry.target, path);
    else copyContent(state, entry, inode, path);
    finishCopy(state, path, entry);
    return path;
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

function copyContent({ disk, tree }: UpperState, entry: ViewEntry, inode: bigint, path: string): void {
  if (entry.kind !== 'file' && entry.kind !== 'generated') throw new Error(`no content: ${entry.kind}`);
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const fd = openSync(path, flags, 0o600);
  try {
    tree.lower.lower.copyContent(entry, fd);
    fchmodSync(fd, 0o600);
  } finally {
    closeSync(fd);
  }
  carry(disk.calls, path, inode);
}

/** Lets an object keep its number. Where the disk has no extended attributes it has another one after a restart. */
export function carry(calls: UpperState['disk']['calls'], path: string, inode: bigint): void {
  try {
    calls.setXattr(path, inodeAttribute, carried(inode), 0);
  } catch (error) {
    if (!['EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'ENOSPC', 'EDQUOT'].includes(systemErrorCode(error) ?? ''))
      throw error;
  }
}
