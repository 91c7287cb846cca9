import type { Graft, ViewDirectory, ViewEntry } from '../view/tree.js';
import type { FileAttributes } from './attributes.js';

export type LowerFolder = ViewDirectory | Graft;

/** A folder of which a part is in `tree/`. */
export interface FolderNode {
  kind: 'folder';
  inode: bigint;
  /** Other numbers that lead to it: of lower folders that it was laid over since it was made, or of the disk. */
  aliases: bigint[];
  /** Undefined for the root. */
  parent: FolderNode | undefined;
  name: string;
  /** By name. The order of a Map is that of `Child.order`. */
  children: Map<string, Child>;
  nextOrder: number;
  whiteouts: Set<string>;
  /** What `.wh..lower` holds. */
  marker: string | undefined;
  /** The lower folder that it is merged with. */
  merged: Merged | undefined;
  /** It was copied up or made, and its folder has not been synced since. */
  isUnsynced: boolean;
  /** Set when it lost its name: what its attributes were then. */
  removed: FileAttributes | undefined;
}

export interface Merged {
  path: string;
  entry: LowerFolder;
  inode: bigint;
  /** In name order; made when it is listed. */
  names: readonly string[] | undefined;
}

export interface Child {
  node: UpperNode;
  /** Grows; never given twice in one folder. */
  order: number;
}

export interface Place {
  folder: FolderNode;
  name: string;
}

/** Anything else in `tree/` or `orphans/`: a regular file, a link, a socket, ... */
export interface FileNode {
  kind: 'file';
  inode: bigint;
  /** Type bits of its mode. */
  type: number;
  /** Its names; none for an orphan. */
  places: Place[];
  /** An orphan that may be given a name. */
  isLinkable: boolean;
  /** It was copied up, and its folder has not been synced since. */
  isUnsynced: boolean;
}

export type UpperNode = FolderNode | FileNode;

/** What is in the lower tree alone, at a path of the lower tree. */
export interface LowerThing {
  kind: 'lower';
  path: string;
  entry: ViewEntry;
}

export interface LowerFolderThing extends LowerThing {
  entry: LowerFolder;
}

export type Thing = UpperNode | LowerThing;

export const typeBits = 0o170000;
export const types = { folder: 0o040000, file: 0o100000, link: 0o120000 } as const;

export function newFolder(inode: bigint, parent: FolderNode | undefined, name: string): FolderNode {
  return {
    kind: 'folder',
    inode,
    aliases: [],
    parent,
    name,
    children: new Map(),
    nextOrder: 0,
    whiteouts: new Set(),
    marker: undefined,
    merged: undefined,
    isUnsynced: true,
    removed: undefined,
  };
}

export function newFile(inode: bigint, mode: number): FileNode {
  return { kind: 'file', inode, type: mode & typeBits, places: [], isLinkable: false, isUnsynced: false };
}
