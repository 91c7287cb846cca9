import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import type { CreateRequest, FileAttributes, Opened, Owner, Request } from './attributes.js';
import { attributesOfThing, shownAttributes } from './attributes-of.js';
import { openBacking } from './backing.js';
import { carry, copyUp, copyUpFolder } from './copy-up.js';
import { FileError } from './file-error.js';
import { isFolder } from './merged-tree.js';
import { checkNewName } from './names.js';
import {
  type FileNode,
  type FolderNode,
  type LowerFolderThing,
  newFile,
  newFolder,
  type Thing,
  typeBits,
  types,
} from './nodes.js';
import { canCarry, untilNumbered } from './numbered.js';
import type { UpperState } from './options.js';

const exclusive = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const permissions = 0o7777;
const setGroup = 0o2000;

/** Where a new name is to come, and what has it already. */
export interface NewPlace {
  parent: FolderNode | LowerFolderThing;
  name: string;
  existing: Thing | undefined;
}

/** Throws ENOTDIR, ENAMETOOLONG, EINVAL. */
export function newPlace({ tree }: UpperState, parentInode: bigint, name: string): NewPlace {
  const parent = tree.findFolder(parentInode);
  checkNewName(name);
  return { parent, name, existing: tree.child(parent, name) };
}

export function create(
  state: UpperState,
  place: NewPlace,
  request: CreateRequest & { isExclusive: boolean },
): Opened {
  const { existing, name } = place;
  if (existing) return openExisting(state, existing, request);
  const folder = copyUpFolder(state, place.parent);
  const path = state.disk.pathIn(folder, name);
  const fd = openSync(path, exclusive, request.mode & permissions);
  try {
    const stat = settleOpen(fd, request, () => hasGroup(state, folder));
    const file = register(state, stat, path) as FileNode;
    state.tree.attach(folder, name, file);
    return { attributes: shownAttributes(stat, file), fd };
  } catch (error) {
    closeSync(fd);
    unlinkSync(path);
    throw error;
  }
}

function openExisting(
  state: UpperState,
  existing: Thing,
  { isExclusive, isResent }: Request & { isExclusive: boolean },
): Opened {
  if (isExclusive && !isResent) throw new FileError('EEXIST');
  if (isFolder(existing)) throw new FileError('EISDIR');
  const fd = openBacking(state, existing, true)!;
  const inode = existing.kind === 'lower' ? state.tree.lower.inodeOf(existing.entry) : existing.inode;
  return { attributes: attributesOfThing(state, state.tree.find(inode)), fd };
}

/** Gives a new file exactly the mode and, where this process may, the owner that were asked for. */
function settleOpen(fd: number, { mode, owner }: CreateRequest, isGroupKept: () => boolean): BigIntStats {
  const stat = fstatSync(fd, { bigint: true });
  const other = otherOwner(stat, owner, isGroupKept);
  const isWrongMode = (Number(stat.mode) & permissions) !== (mode & permissions);
  if (other === undefined && !isWrongMode) return stat;
  if (other) fchownSync(fd, other.uid, other.gid);
  fchmodSync(fd, mode & permissions);
  return fstatSync(fd, { bigint: true });
}

/** Whom something new has to be given to; undefined where it is his, or cannot be given away. */
function otherOwner(stat: BigIntStats, { uid, gid }: Owner, isGroupKept: () => boolean): Owner | undefined {
  if (process.geteuid?.() !== 0 || (uid === Number(stat.uid) && gid === Number(stat.gid))) return undefined;
  const wanted = { uid, gid: isGroupKept() ? Number(stat.gid) : gid };
  return wanted.uid === Number(stat.uid) && wanted.gid === Number(stat.gid) ? undefined : wanted;
}

/** Whether what is made in a folder gets the folder's group. */
function hasGroup({ disk }: UpperState, folder: FolderNode): boolean {
  return (lstatSync(disk.folderPath(folder)).mode & setGroup) !== 0;
}

/** A node for what was just made on disk, with its number. */
function register(state: UpperState, stat: BigIntStats, path: string): FileNode | FolderNode {
  const mode = Number(stat.mode);
  const { inode, isCarried } = state.numbers.choose(stat.ino);
  const isFolder = (mode & typeBits) === types.folder;
  if (isCarried && canCarry(mode)) carry(state.disk.calls, path, inode);
  const node = isFolder ? newFolder(inode, undefined, '') : newFile(inode, mode);
  state.tree.nodes.set(inode, node);
  return node;
}

export function mkdir(state: UpperState, place: NewPlace, request: CreateRequest): FileAttributes {
  const { existing } = place;
  if (existing) return unlessResent(state, existing, request, isFolder(existing));
  return make(state, place, request, (path) => mkdirSync(path, request.mode & permissions));
}

export function makeNode(
  state: UpperState,
  place: NewPlace,
  request: CreateRequest & { device: number },
): FileAttributes {
  const { existing } = place;
  const type = request.mode & typeBits || types.file;
  if (existing) {
    const isSame = !isFolder(existing) && (attributesOfThing(state, existing).mode & typeBits) === type;
    return unlessResent(state, existing, request, isSame);
  }
  if (type === types.folder) throw new FileError('EPERM');
  const { calls } = state.disk;
  return make(state, place, request, (path) =>
    calls.makeNode(path, type | (request.mode & permissions), request.device),
  );
}

export function symlink(
  state: UpperState,
  place: NewPlace,
  target: string,
  request: Omit<CreateRequest, 'mode'>,
): FileAttributes {
  const { existing } = place;
  if (existing) return unlessResent(state, existing, request, readLink(state, existing) === target);
  return make(state, place, { ...request, mode: undefined }, (path) => symlinkSync(target, path));
}

/** The target of a link; undefined for anything else. */
export function readLink({ disk }: UpperState, thing: Thing): string | undefined {
  if (thing.kind === 'lower') return thing.entry.kind === 'link' ? thing.entry.target : undefined;
  return thing.kind === 'file' && thing.type === types.link ? readlinkSync(disk.pathOf(thing)) : undefined;
}

function unlessResent(
  state: UpperState,
  existing: Thing,
  { isResent }: Request,
  isSame: boolean,
): FileAttributes {
  if (!isResent || !isSame) throw new FileError('EEXIST');
  return attributesOfThing(state, existing);
}

/** What has no descriptor: made by `call`, then given its owner and its mode (a link has none). */
function make(
  state: UpperState,
  { parent, name }: NewPlace,
  { mode, owner }: { mode: number | undefined; owner: Owner },
  call: (path: string) => void,
): FileAttributes {
  const folder = copyUpFolder(state, parent);
  const path = state.disk.pathIn(folder, name);
  const makeAt = (place: string): BigIntStats => {
    call(place);
    const stat = lstatSync(place, { bigint: true });
    try {
      const isOther = settle(state, folder, place, stat, mode, owner);
      return isOther ? lstatSync(place, { bigint: true }) : stat;
    } catch (error) {
      takeAway(place, stat);
      throw error;
    }
  };
  let stat = makeAt(path);
  try {
    if (!canCarry(Number(stat.mode))) stat = untilNumbered(state, path, stat, makeAt);
    const node = register(state, stat, path);
    state.tree.attach(folder, name, node);
    return shownAttributes(stat, node);
  } catch (error) {
    takeAway(path, stat);
    throw error;
  }
}

function takeAway(path: string, stat: BigIntStats): void {
  if (stat.isDirectory()) rmdirSync(path);
  else unlinkSync(path);
}

/** Whether owner or mode had to be changed. */
function settle(
  state: UpperState,
  folder: FolderNode,
  path: string,
  stat: BigIntStats,
  mode: number | undefined,
  owner: Owner,
): boolean {
  const found = Number(stat.mode);
  const other = otherOwner(stat, owner, () => hasGroup(state, folder));
  const wanted =
    mode === undefined ? undefined : (mode & permissions) | (stat.isDirectory() ? found & setGroup : 0);
  const isWrongMode = wanted !== undefined && (found & permissions) !== wanted;
  if (other) lchownSync(path, other.uid, other.gid);
  if (wanted !== undefined && (isWrongMode || other)) chmodSync(path, wanted);
  return isWrongMode || other !== undefined;
}

/** In the folder that has the attributes `parent`, whose group it gets where it should. */
export function makeTemporary(state: UpperState, parent: FileAttributes, request: CreateRequest): Opened {
  const hasParentsGroup = (parent.mode & setGroup) !== 0;
  const owner = hasParentsGroup ? { ...request.owner, gid: parent.gid } : request.owner;
  const { disk, tree, events } = state;
  const temporary = disk.temporaryPath();
  const fd = openSync(temporary, exclusive, request.mode & permissions);
  try {
    const stat = settleOpen(fd, { ...request, owner }, () => false);
    const file = register(state, stat, temporary) as FileNode;
    disk.renameNew(temporary, disk.orphanPath(file.inode));
    file.isLinkable = true;
    events.orphaned(file.inode);
    tree.nodes.set(file.inode, file);
    return { attributes: shownAttributes(stat, file), fd };
  } catch (error) {
    closeSync(fd);
    unlinkSync(temporary);
    throw error;
  }
}

export function link(
  state: UpperState,
  thing: Thing,
  place: NewPlace,
  { isResent }: Request,
): FileAttributes {
  const { disk, tree } = state;
  const { existing } = place;
  if (existing)
    return unlessResent(
      state,
      existing,
      { isResent },
      inodeOfThing(state, existing) === inodeOfThing(state, thing),
    );
  if (isFolder(thing)) throw new FileError('EPERM');
  if (thing.kind === 'lower' && tree.anchorOf(thing.path) === undefined) throw new FileError('ENOENT');
  const file = copyUp(state, thing) as FileNode;
  const isOrphan = file.places.length === 0;
  if (isOrphan && !file.isLinkable) throw new FileError('ENOENT');
  const folder = copyUpFolder(state, place.parent);
  const path = disk.pathIn(folder, place.name);
  if (isOrphan) disk.renameNew(disk.orphanPath(file.inode), path);
  else linkSync(disk.pathOf(file), path);
  tree.attach(folder, place.name, file);
  file.isLinkable = false;
  return attributesOfThing(state, file);
}

function inodeOfThing({ tree }: UpperState, thing: Thing): bigint {
  return thing.kind === 'lower' ? tree.lower.inodeOf(thing.entry) : thing.inode;
}
