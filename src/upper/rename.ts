import type { Request } from './attributes.js';
import { attributesOfThing } from './attributes-of.js';
import { copyUp, copyUpFolder } from './copy-up.js';
import { FileError } from './file-error.js';
import { clear, hideLower, markLower, retireFolder } from './hiding.js';
import { isFolder } from './merged-tree.js';
import { checkNewName } from './names.js';
import type { FolderNode, LowerFolderThing, Thing, UpperNode } from './nodes.js';
import type { UpperState } from './options.js';
import { existing, keepReplaced, prepareReplacing, replaced } from './removal.js';
import { renameFlags } from './system-calls.js';

interface Side {
  parent: FolderNode | LowerFolderThing;
  name: string;
  thing: Thing | undefined;
}

export interface RenameRequest extends Request {
  flags: number;
}

/** As `UpperLayer.rename`. */
export function rename(
  state: UpperState,
  from: { parent: bigint; name: string },
  to: { parent: bigint; name: string },
  { flags, isResent }: RenameRequest,
): void {
  if (flags !== 0 && flags !== renameFlags.noReplace && flags !== renameFlags.exchange)
    throw new FileError('EINVAL');
  const source = { name: from.name, ...existing(state, from.parent, from.name) };
  const target = { name: to.name, ...existing(state, to.parent, to.name) };
  if (source.thing === undefined) {
    if (isResent && target.thing !== undefined && flags !== renameFlags.exchange) return;
    throw new FileError('ENOENT', from.name);
  }
  if (flags === renameFlags.noReplace && target.thing) throw new FileError('EEXIST', to.name);
  if (flags === renameFlags.exchange && !target.thing) throw new FileError('ENOENT', to.name);
  checkNewName(to.name);
  checkAncestors(state, source, target, flags === renameFlags.exchange);
  if (target.thing && isSame(source.thing, target.thing)) return;
  if (flags === renameFlags.exchange) exchange(state, source, target);
  else move(state, source, target);
}

/** A folder cannot be moved into itself, nor take the place of one that it is in. */
function checkAncestors(state: UpperState, source: Side, target: Side, isExchange: boolean): void {
  if (isWithin(state, target.parent, source.thing!)) throw new FileError('EINVAL', target.name);
  if (target.thing && isWithin(state, source.parent, target.thing)) {
    throw new FileError(isExchange ? 'EINVAL' : 'ENOTEMPTY', target.name);
  }
}

/** Whether `inner` is `outer` or lies below it. */
function isWithin({ tree }: UpperState, inner: Thing, outer: Thing): boolean {
  if (!isFolder(outer)) return false;
  if (outer.kind === 'lower') return inner.kind === 'lower' && `${inner.path}/`.startsWith(`${outer.path}/`);
  let folder = inner.kind === 'lower' ? tree.anchorOf(inner.path)?.folder : inner;
  for (; folder?.kind === 'folder'; folder = folder.parent) if (folder === outer) return true;
  return false;
}

function isSame(a: Thing, b: Thing): boolean {
  return a === b || (a.kind === 'lower' && b.kind === 'lower' && a.path === b.path);
}

function move(state: UpperState, source: Side, target: Side): void {
  const { disk, tree } = state;
  checkTarget(state, source.thing!, target);
  const node = copyUp(state, source.thing!);
  const parent = copyUpFolder(state, source.parent);
  const newParent = copyUpFolder(state, target.parent);
  leave(state, parent, source.name, node);
  const replacing = target.thing && makeRoom(state, node, target);
  const from = disk.pathIn(parent, source.name);
  const last = replacing?.kind === 'folder' ? attributesOfThing(state, replacing) : undefined;
  try {
    const place = disk.pathIn(newParent, target.name);
    if (replacing) disk.calls.renameAt(from, place, 0);
    else disk.renameNew(from, place);
  } catch (error) {
    if (replacing?.kind === 'file') keepReplaced(state, replacing);
    throw error;
  }
  if (replacing?.kind === 'file') replaced(state, replacing, newParent, target.name);
  if (replacing?.kind === 'folder') {
    tree.detach(newParent, target.name);
    retireFolder(state, replacing, last);
  }
  // Who has the lower file open sees that it has no name.
  if (target.thing?.kind === 'lower') state.events.changed(tree.lower.inodeOf(target.thing.entry));
  tree.detach(parent, source.name);
  tree.attach(newParent, target.name, node);
}

/** Throws what vfs_rename and the file system say about a target that is there. */
function checkTarget({ tree }: UpperState, source: Thing, { thing, name }: Side): void {
  if (thing === undefined) return;
  if (isFolder(source) && !isFolder(thing)) throw new FileError('ENOTDIR', name);
  if (!isFolder(source) && isFolder(thing)) throw new FileError('EISDIR', name);
  if (isFolder(thing) && !tree.isEmpty(thing)) throw new FileError('ENOTEMPTY', name);
}

/** What lets a name go: its folder goes on to be merged, and nothing of the lower tree appears in its place. */
function leave(state: UpperState, parent: FolderNode, name: string, node: UpperNode): void {
  if (node.kind === 'folder') markLower(state, node);
  hideLower(state, parent, name);
}

/** The part of the target in `tree/` that renameat2 replaces; undefined where it has none and needs none. */
function makeRoom(state: UpperState, source: UpperNode, { thing }: Side): UpperNode | undefined {
  if (thing === undefined || (thing.kind === 'lower' && source.kind === 'file')) return undefined;
  const node = copyUp(state, thing);
  if (node.kind === 'folder') clear(state, node);
  else prepareReplacing(state, node);
  return node;
}

function exchange(state: UpperState, a: Side, b: Side): void {
  const { disk, tree } = state;
  const [one, other] = [copyUp(state, a.thing!), copyUp(state, b.thing!)];
  const [parentOfOne, parentOfOther] = [copyUpFolder(state, a.parent), copyUpFolder(state, b.parent)];
  leave(state, parentOfOne, a.name, one);
  leave(state, parentOfOther, b.name, other);
  const places = [disk.pathIn(parentOfOne, a.name), disk.pathIn(parentOfOther, b.name)] as const;
  disk.calls.renameAt(...places, renameFlags.exchange);
  tree.detach(parentOfOne, a.name);
  tree.detach(parentOfOther, b.name);
  tree.attach(parentOfOne, a.name, other);
  tree.attach(parentOfOther, b.name, one);
}
