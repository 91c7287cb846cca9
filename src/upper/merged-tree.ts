import { isDirectory } from '../view/locate.js';
import type { ViewEntry } from '../view/tree.js';
import { FileError } from './file-error.js';
import type { LowerTree } from './lower-tree.js';
import { joinPath } from './names.js';
import type { FileNode, FolderNode, LowerFolderThing, LowerThing, Place, Thing, UpperNode } from './nodes.js';

/** Where something lower is shown: the nearest folder above it with a part in `tree/`, and the names from there. */
export interface Anchor {
  folder: FolderNode;
  rest: string[];
}

/** What is in `tree/`, in memory, over the lower tree. Nothing here touches the disk. */
export class MergedTree {
  readonly root: FolderNode;
  /** By each number that it has or had: of folders that are not shown any more too, until they are forgotten. */
  readonly nodes = new Map<bigint, UpperNode>();
  readonly #byLowerPath = new Map<string, FolderNode>();
  /** Numbers that folders had which are lower alone now, with their lower paths. */
  readonly #led = new Map<bigint, string>();
  #lower: LowerTree;

  constructor(root: FolderNode, lower: LowerTree) {
    this.root = root;
    this.#lower = lower;
    this.nodes.set(root.inode, root);
  }

  get lower(): LowerTree {
    return this.#lower;
  }

  /** Lays it over another lower tree; `onMerged` gets each folder that has a lower one now. */
  setLower(lower: LowerTree, onMerged: (folder: FolderNode) => void): void {
    this.#lower = lower;
    this.#byLowerPath.clear();
    this.mergeAgain(this.root, onMerged);
  }

  /** Finds the lower folders of one and of all below it. */
  mergeAgain(folder: FolderNode, onMerged: (folder: FolderNode) => void): void {
    this.unmerge(folder);
    this.merge(folder);
    if (folder.merged !== undefined) onMerged(folder);
    for (const { node } of folder.children.values())
      if (node.kind === 'folder') this.mergeAgain(node, onMerged);
  }

  /** Finds the lower folder of one that has none yet: docs/writable.md, rule 2. */
  merge(folder: FolderNode): void {
    const path = lowerPathOf(folder);
    if (path === undefined) return;
    const above = folder.parent?.merged;
    const entry =
      folder.marker === undefined && above !== undefined
        ? this.#lower.folderChild(above.entry, folder.name)
        : this.#lower.folderAt(path);
    if (entry === undefined) return;
    folder.merged = { path, entry, inode: this.#lower.inodeOf(entry), names: undefined };
    this.#byLowerPath.set(path, folder);
  }

  unmerge(folder: FolderNode): void {
    if (folder.merged && this.#byLowerPath.get(folder.merged.path) === folder) {
      this.#byLowerPath.delete(folder.merged.path);
    }
    folder.merged = undefined;
  }

  /** Throws ESTALE for a number that nothing has. */
  find(inode: bigint): Thing {
    const found = this.nodes.get(inode) ?? this.#lower.find(inode) ?? this.#findLed(inode);
    if (found === undefined) throw new FileError('ESTALE', inode.toString(16));
    return found;
  }

  /** From now on a number of a folder that has no part here any more stands for a lower one. */
  lead(inode: bigint, path: string): void {
    this.#led.set(inode, path);
  }

  isLed(inode: bigint): boolean {
    return this.#led.has(inode);
  }

  #findLed(inode: bigint): Thing | undefined {
    const path = this.#led.get(inode);
    const entry = path === undefined ? undefined : this.#lower.folderAt(path);
    return path === undefined || entry === undefined
      ? undefined
      : (this.#byLowerPath.get(path) ?? { kind: 'lower', path, entry });
  }

  forgetLed(inode: bigint): void {
    this.#led.delete(inode);
  }

  /** Throws ESTALE, or ENOTDIR for what is no folder. */
  findFolder(inode: bigint): FolderNode | LowerFolderThing {
    const found = this.find(inode);
    if (!isFolder(found)) throw new FileError('ENOTDIR', inode.toString(16));
    return found;
  }

  /** What a name of a folder is. */
  child(folder: FolderNode | LowerFolderThing, name: string): Thing | undefined {
    if (folder.kind === 'lower')
      return lowerThing(joinPath(folder.path, name), this.#lower.child(folder.entry, name));
    const child = folder.children.get(name);
    if (child !== undefined) return child.node;
    const { merged } = folder;
    if (merged === undefined || folder.whiteouts.has(name)) return undefined;
    return lowerThing(joinPath(merged.path, name), this.#lower.child(merged.entry, name));
  }

  /** Whether the lower folder has a name, be it shown or not. */
  lowerHas({ merged }: FolderNode, name: string): boolean {
    return merged !== undefined && this.#lower.child(merged.entry, name) !== undefined;
  }

  /** Where a path of the lower tree is shown; undefined for what is hidden. */
  anchorOf(path: string): Anchor | undefined {
    const names = path === '' ? [] : path.split('/');
    for (let count = names.length; count >= 0; count -= 1) {
      const folder = this.#byLowerPath.get(names.slice(0, count).join('/'));
      if (folder === undefined) continue;
      const rest = names.slice(count);
      const [first] = rest;
      const isHidden = first !== undefined && (folder.whiteouts.has(first) || folder.children.has(first));
      return isHidden ? undefined : { folder, rest };
    }
    return undefined;
  }

  lowerNames(folder: FolderNode): readonly string[] {
    const { merged } = folder;
    if (merged === undefined) return [];
    merged.names ??= this.#lower.namesIn(merged.entry);
    return merged.names;
  }

  isEmpty(folder: FolderNode | LowerFolderThing): boolean {
    if (folder.kind === 'lower') return this.#lower.namesIn(folder.entry).length === 0;
    return folder.children.size === 0 && this.lowerNames(folder).every((name) => folder.whiteouts.has(name));
  }

  attach(folder: FolderNode, name: string, node: UpperNode): void {
    const existing = folder.children.get(name);
    if (existing) existing.node = node;
    else folder.children.set(name, { node, order: folder.nextOrder++ });
    if (node.kind === 'file') node.places.push({ folder, name });
    else Object.assign(node, { parent: folder, name, isUnsynced: true });
  }

  detach(folder: FolderNode, name: string): void {
    const child = folder.children.get(name);
    if (child === undefined) return;
    folder.children.delete(name);
    if (child.node.kind === 'file') dropPlace(child.node, folder, name);
  }

  /** Relative to the environment's root. Throws ESTALE for what has no name. */
  pathOf(thing: Thing): string {
    if (thing.kind === 'lower') {
      const anchor = this.anchorOf(thing.path);
      if (anchor === undefined) throw new FileError('ESTALE', thing.path);
      return [this.pathOf(anchor.folder), ...anchor.rest].filter((part) => part !== '').join('/');
    }
    if (thing.kind === 'folder') return folderPath(thing);
    const { folder, name } = placeOf(thing);
    return joinPath(folderPath(folder), name);
  }

  /** The folder that something is in; the root's is the root. Throws ESTALE for what has no name. */
  parentOf(thing: Thing): bigint {
    if (thing.kind === 'file') return placeOf(thing).folder.inode;
    if (thing.kind === 'folder') {
      if (thing.removed) throw new FileError('ESTALE', thing.name);
      return (thing.parent ?? thing).inode;
    }
    const anchor = this.anchorOf(thing.path);
    if (anchor === undefined) throw new FileError('ESTALE', thing.path);
    if (anchor.rest.length === 1) return anchor.folder.inode;
    const above = thing.path.slice(0, thing.path.lastIndexOf('/'));
    return this.#lower.inodeOf(this.#lower.folderAt(above)!);
  }
}

/** The path that rule 2 gives a folder, whether the lower tree has it or not. */
function lowerPathOf({ marker, parent, name }: FolderNode): string | undefined {
  if (parent === undefined) return '';
  if (marker !== undefined) return marker;
  if (parent.merged === undefined || parent.whiteouts.has(name)) return undefined;
  return joinPath(parent.merged.path, name);
}

function lowerThing(path: string, entry: ViewEntry | undefined): LowerThing | undefined {
  return entry === undefined ? undefined : { kind: 'lower', path, entry };
}

export function isFolder(thing: Thing): thing is FolderNode | LowerFolderThing {
  return thing.kind === 'folder' || (thing.kind === 'lower' && isDirectory(thing.entry));
}

function dropPlace(file: FileNode, folder: FolderNode, name: string): void {
  file.places = file.places.filter((place) => place.folder !== folder || place.name !== name);
}

/** One of a file's names. Throws ESTALE for an orphan. */
function placeOf(file: FileNode): Place {
  const [place] = file.places;
  if (place === undefined) throw new FileError('ESTALE', file.inode.toString(16));
  return place;
}

function folderPath(folder: FolderNode): string {
  if (folder.removed) throw new FileError('ESTALE', folder.name);
  let path = folder.name;
  for (let above = folder.parent; above?.parent !== undefined; above = above.parent)
    path = `${above.name}/${path}`;
  return path;
}
