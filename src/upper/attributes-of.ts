import { type BigIntStats, lstatSync } from 'node:fs';
import { isDirectory } from '../view/locate.js';
import type { FileAttributes } from './attributes.js';
import type { Thing, UpperNode } from './nodes.js';
import type { UpperState } from './options.js';

/** What lstat or fstat said, with the number and the count of links that are shown. */
export function shownAttributes(stat: BigIntStats, node: UpperNode): FileAttributes {
  return {
    inode: node.inode,
    mode: Number(stat.mode),
    nlink: node.kind === 'folder' ? 1 : node.places.length === 0 ? 0 : Number(stat.nlink),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    rdev: Number(stat.rdev),
    size: Number(stat.size),
    blocks: Number(stat.blocks),
    atimeNs: stat.atimeNs,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    isLower: false,
  };
}

export function statOf({ disk }: UpperState, node: UpperNode): BigIntStats {
  return lstatSync(disk.pathOf(node), { bigint: true });
}

export function attributesOfThing(state: UpperState, thing: Thing): FileAttributes {
  if (thing.kind === 'lower') {
    const attributes = state.tree.lower.attributesOf(thing.entry, state.owner);
    const isShown = isDirectory(thing.entry) || state.tree.anchorOf(thing.path) !== undefined;
    return isShown ? attributes : { ...attributes, nlink: 0 };
  }
  if (thing.kind === 'folder' && thing.removed) return thing.removed;
  return shownAttributes(statOf(state, thing), thing);
}
