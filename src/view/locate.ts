import type { InodeNumber } from '../base/brands.js';
import { modes } from '../image/format.js';
import type { Image, NodeIndex } from '../image/read.js';
import { environmentInode, fileInode, packageInode } from './inode.js';
import type { GeneratedEntry, View, ViewDirectory, ViewEntry } from './tree.js';

/** What stat(2) tells of an object, but for the size of a generated file. */
export interface Attributes {
  inode: InodeNumber;
  mode: number;
  /** Bytes; undefined for a generated file, whose content has to be made first. */
  sizeBytes: number | undefined;
  mtimeNs: bigint;
}

const linkMode = 0o120777;
const permissionBits = 0o777;

/** The entry at a slash-separated path of a view ('' is its root), or undefined. */
export function locate(view: View, path: string): ViewEntry | undefined {
  let entry: ViewEntry = view.root;
  for (const part of path === '' ? [] : path.split('/')) {
    const child = childOf(view, entry, part);
    if (child === undefined) return undefined;
    entry = child;
  }
  return entry;
}

/** What a name of a directory is; undefined where there is none, and for anything but a directory. */
export function childOf(view: View, entry: ViewEntry, name: string): ViewEntry | undefined {
  if (entry.kind === 'directory') return entry.entries.get(name);
  if (entry.kind !== 'graft') return undefined;
  const { image } = view.layers[entry.layer]!;
  const node = image.lookup(entry.node, name);
  return node === undefined ? undefined : imageEntry(image, entry.layer, node);
}

function imageEntry(image: Image, layer: number, node: NodeIndex): ViewEntry {
  return image.isDirectory(node) ? { kind: 'graft', layer, node } : { kind: 'file', layer, node };
}

export function isDirectory(entry: ViewEntry): boolean {
  return entry.kind === 'directory' || entry.kind === 'graft';
}

/** Names and entries of a directory, in name order; undefined for anything else. */
export function listEntries(view: View, entry: ViewEntry): [string, ViewEntry][] | undefined {
  if (entry.kind === 'directory') return sortByName([...entry.entries]);
  if (entry.kind !== 'graft') return undefined;
  const { image } = view.layers[entry.layer]!;
  const { first, count } = image.childrenOf(entry.node);
  const nodes = Array.from({ length: count }, (_, index) => first + index);
  return nodes.map((node) => [image.nameOf(node), imageEntry(image, entry.layer, node)]);
}

/** Sorts by name bytes, the order in which every engine lists. */
export function sortByName<T>(entries: [string, T][]): [string, T][] {
  const keyed = entries.map((entry): [Buffer, [string, T]] => [Buffer.from(entry[0]), entry]);
  return keyed.sort(([a], [b]) => Buffer.compare(a, b)).map(([, entry]) => entry);
}

export function attributesOf(view: View, entry: ViewEntry): Attributes {
  switch (entry.kind) {
    case 'directory':
      return { inode: entry.inode, mode: directoryMode(entry), sizeBytes: 0, mtimeNs: entry.mtimeNs };
    case 'link':
      return {
        inode: entry.inode,
        mode: linkMode,
        sizeBytes: Buffer.byteLength(entry.target),
        mtimeNs: entry.mtimeNs,
      };
    case 'generated':
      return { inode: entry.inode, mode: generatedMode(entry), sizeBytes: undefined, mtimeNs: entry.mtimeNs };
    case 'graft': {
      const { image, slot } = view.layers[entry.layer]!;
      const mtimeNs = mtimeNsOf(view, entry.layer, entry.node);
      const inode = view.numberedByImage
        ? packageInode(image.serial, entry.node)
        : environmentInode(view.environmentSerial, slot, entry.node);
      return { inode, mode: modeOf(view, entry.layer, entry.node), sizeBytes: 0, mtimeNs };
    }
    case 'file': {
      const { image } = view.layers[entry.layer]!;
      const { sizeBytes } = image.fileOf(entry.node);
      return {
        inode: imageFileInode(view, entry.layer, entry.node),
        mode: modeOf(view, entry.layer, entry.node),
        sizeBytes,
        mtimeNs: mtimeNsOf(view, entry.layer, entry.node),
      };
    }
  }
}

/** The number of a regular file of a layer's image. */
export function imageFileInode(view: View, layer: number, node: NodeIndex): InodeNumber {
  const { image, slot } = view.layers[layer]!;
  if (view.isOwn) return environmentInode(view.environmentSerial, slot, node);
  const identity = image.identityOf(node);
  return fileInode(identity.serial, identity.node);
}

/** The modification time of a file or directory of a layer's image, in ns. */
export function mtimeNsOf(view: View, layer: number, node: NodeIndex): bigint {
  const { image, times } = view.layers[layer]!;
  return (view.isOwn ? times?.get(node)?.mtimeNs : undefined) ?? image.mtimeNsOf(node);
}

function modeOf(view: View, layer: number, node: NodeIndex): number {
  const { image, times } = view.layers[layer]!;
  return withPermissions(image.modeOf(node), view.isOwn ? times?.get(node)?.mode : undefined);
}

export function generatedMode({ executable, mode }: Pick<GeneratedEntry, 'executable' | 'mode'>): number {
  return withPermissions(executable ? modes.executable : modes.file, mode);
}

export function directoryMode({ mode }: Pick<ViewDirectory, 'mode'>): number {
  return withPermissions(modes.directory, mode);
}

/** A mode with the permission bits of another one, if there is one. */
export function withPermissions(mode: number, permissions: number | undefined): number {
  return permissions === undefined ? mode : (mode & ~permissionBits) | permissions;
}

/** Value of the extended attribute `user.shenv.origin`: distribution, version, wheel digest. */
export function originOf(view: View, entry: ViewEntry): string | undefined {
  if (entry.kind !== 'file') return undefined;
  return imageOrigin(view.layers[entry.layer]!.image);
}

export function imageOrigin(image: Image): string {
  return `${image.meta.name} ${image.meta.version} sha256:${image.wheelDigest}`;
}
