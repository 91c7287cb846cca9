import {
  align,
  contentsAlignment,
  largeFileAlignment,
  largeFileBytes,
  modes,
  smallFileAlignment,
} from './format.js';

/** A regular file to be put into an image; `path` starts with its scheme. */
export interface ImageFile {
  path: string;
  sizeBytes: number;
  executable: boolean;
  mtimeNs: bigint;
  flags: number;
  /** For `inBase` files: where the wheel image has them. */
  base?: { node: number; contentOffset: number };
}

/** A node with its place: `index` is breadth-first, so the children of a directory are neighbours. */
export interface PlacedNode {
  index: number;
  name: Buffer;
  mode: number;
  parent: number;
  firstChild: number;
  childCount: number;
  mtimeNs: bigint;
  file: PlacedFile | undefined;
}

export interface PlacedFile {
  source: ImageFile;
  digestIndex: number;
  /** Absolute in the image; 0 for an empty file. */
  contentOffset: number;
}

interface Folder {
  children: Map<string, Folder | ImageFile>;
}

/** Thrown when two files of one image cannot both exist; the message names them. */
export class TreeConflict extends Error {}

/**
 * Numbers the tree of `files`: breadth-first, the children of each directory sorted by name bytes.
 * Pure. Throws TreeConflict for a path given twice or one that runs through a file.
 */
export function placeNodes(files: readonly ImageFile[]): PlacedNode[] {
  const mtimeNs = files.reduce((newest, file) => (file.mtimeNs > newest ? file.mtimeNs : newest), 0n);
  const nodes: PlacedNode[] = [directoryNode(0, Buffer.alloc(0), 0, mtimeNs)];
  const contents: (Folder | ImageFile)[] = [buildFolders(files)];
  let digestIndex = 0;
  for (let index = 0; index < nodes.length; index += 1) {
    const content = contents[index]!;
    const node = nodes[index]!;
    if (!('children' in content)) {
      node.mode = content.executable ? modes.executable : modes.file;
      node.mtimeNs = content.mtimeNs;
      node.file = { source: content, digestIndex, contentOffset: 0 };
      digestIndex += 1;
      continue;
    }
    node.firstChild = nodes.length;
    node.childCount = content.children.size;
    for (const [name, child] of sortByBytes(content.children)) {
      nodes.push(directoryNode(nodes.length, name, index, mtimeNs));
      contents.push(child);
    }
    if (node.childCount === 0) node.firstChild = 0;
  }
  return nodes;
}

function directoryNode(index: number, name: Buffer, parent: number, mtimeNs: bigint): PlacedNode {
  return {
    index,
    name,
    mode: modes.directory,
    parent,
    firstChild: 0,
    childCount: 0,
    mtimeNs,
    file: undefined,
  };
}

function sortByBytes<T>(children: ReadonlyMap<string, T>): [Buffer, T][] {
  const named = [...children].map(([name, child]): [Buffer, T] => [Buffer.from(name), child]);
  return named.sort(([a], [b]) => Buffer.compare(a, b));
}

function buildFolders(files: readonly ImageFile[]): Folder {
  const root: Folder = { children: new Map() };
  for (const file of files) {
    const parts = file.path.split('/');
    const name = parts.pop()!;
    let folder = root;
    for (const part of parts) {
      let next = folder.children.get(part);
      if (next === undefined) {
        next = { children: new Map() };
        folder.children.set(part, next);
      }
      if (!('children' in next))
        throw new TreeConflict(`'${file.path}' runs through the file '${next.path}'`);
      folder = next;
    }
    if (folder.children.has(name))
      throw new TreeConflict(`'${file.path}' exists twice, or as file and as folder`);
    folder.children.set(name, file);
  }
  return root;
}

/**
 * Gives each file its place from `start` on, in the order in which an import reads them:
 * bytecode, package `__init__`, other sources, the rest. Returns them in that order with the end.
 */
export function placeContents(
  nodes: readonly PlacedNode[],
  start: number,
): { files: PlacedFile[]; end: number } {
  const files = nodes.flatMap(({ file }) => (file ? [file] : []));
  const ordered = files
    .filter(({ source }) => source.base === undefined)
    .map((file, index) => ({ file, index, rank: readingRank(file.source.path) }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .map(({ file }) => file);
  let offset = start;
  for (const file of ordered) {
    if (file.source.sizeBytes === 0) continue;
    const large = file.source.sizeBytes >= largeFileBytes;
    file.contentOffset = align(offset, large ? largeFileAlignment : smallFileAlignment);
    offset = file.contentOffset + file.source.sizeBytes;
  }
  for (const file of files) if (file.source.base) file.contentOffset = file.source.base.contentOffset;
  return { files: ordered, end: align(offset, contentsAlignment) };
}

function readingRank(path: string): number {
  if (path.endsWith('.pyc')) return 0;
  if (path.endsWith('/__init__.py')) return 1;
  return path.endsWith('.py') ? 2 : 3;
}
