import { environmentOf, isOfEnvironment, isUpper, nodeOf, slotOf } from '../view/inode.js';
import { attributesOf, childOf, isDirectory, listEntries, locate } from '../view/locate.js';
import { expandedKey, type ViewDirectory, type ViewEntry } from '../view/tree.js';
import type { FileAttributes, Owner } from './attributes.js';
import type { Lower } from './lower.js';
import { joinPath } from './names.js';
import type { LowerFolder, LowerThing } from './nodes.js';

/** The lower tree by path, by name and by inode number. */
export class LowerTree {
  readonly lower: Lower;
  /** Of everything that the view's own directories hold; made when it is needed first. */
  #paths: Map<bigint, string> | undefined;
  readonly #layerBySlot: Map<number, number>;

  constructor(lower: Lower) {
    this.lower = lower;
    this.#layerBySlot = new Map(lower.view.layers.map(({ slot }, index) => [slot, index]));
  }

  child(folder: ViewEntry, name: string): ViewEntry | undefined {
    return childOf(this.lower.view, folder, name);
  }

  folderChild(folder: ViewEntry, name: string): LowerFolder | undefined {
    return asFolder(this.child(folder, name));
  }

  folderAt(path: string): LowerFolder | undefined {
    return asFolder(locate(this.lower.view, path));
  }

  inodeOf(entry: ViewEntry): bigint {
    return attributesOf(this.lower.view, entry).inode;
  }

  /** In name order. */
  namesIn(folder: LowerFolder): string[] {
    return listEntries(this.lower.view, folder)!.map(([name]) => name);
  }

  attributesOf(entry: ViewEntry, owner: Owner): FileAttributes {
    const { inode, mode, sizeBytes, mtimeNs } = attributesOf(this.lower.view, entry);
    const size = entry.kind === 'generated' ? this.lower.sizeOf(entry) : sizeBytes;
    const times = { atimeNs: mtimeNs, mtimeNs, ctimeNs: mtimeNs };
    const blocks = Math.ceil((size ?? 0) / 512);
    return { inode, mode, nlink: 1, ...owner, rdev: 0, size, blocks, ...times, isLower: true };
  }

  /** What has this inode number in the view, if anything. */
  find(inode: bigint): LowerThing | undefined {
    const { view } = this.lower;
    if (!isOfEnvironment(inode) || isUpper(inode) || environmentOf(inode) !== view.environmentSerial)
      return undefined;
    const path = this.#pathsOfOwn().get(inode) ?? this.#pathInImage(inode);
    if (path === undefined) return undefined;
    const entry = locate(view, path);
    return entry !== undefined && this.inodeOf(entry) === inode ? { kind: 'lower', path, entry } : undefined;
  }

  #pathsOfOwn(): Map<bigint, string> {
    if (this.#paths === undefined) {
      this.#paths = new Map();
      this.#addPaths(this.lower.view.root, '', this.#paths);
    }
    return this.#paths;
  }

  #addPaths(folder: ViewDirectory, path: string, paths: Map<bigint, string>): void {
    paths.set(folder.inode, path);
    for (const [name, entry] of folder.entries) {
      const below = joinPath(path, name);
      if (entry.kind === 'directory') this.#addPaths(entry, below, paths);
      else paths.set(this.inodeOf(entry), below);
    }
  }

  /** Of a node below a graft: up to the first folder that the view holds itself. */
  #pathInImage(inode: bigint): string | undefined {
    const { view } = this.lower;
    const layer = this.#layerBySlot.get(slotOf(inode));
    const image = layer === undefined ? undefined : view.layers[layer]!.image;
    let node = nodeOf(inode);
    if (layer === undefined || image === undefined || node >= image.nodeCount) return undefined;
    let path = '';
    for (; node !== 0; node = image.parentOf(node)) {
      const held = view.expanded.get(expandedKey(layer, node));
      const start = held && this.#pathsOfOwn().get(held.inode);
      if (start !== undefined) return start === '' || path === '' ? start + path : `${start}/${path}`;
      path = path === '' ? image.nameOf(node) : `${image.nameOf(node)}/${path}`;
    }
    return undefined;
  }
}

function asFolder(entry: ViewEntry | undefined): LowerFolder | undefined {
  return entry !== undefined && isDirectory(entry) ? (entry as LowerFolder) : undefined;
}
