import { readFileSync, rmSync } from 'node:fs';
import { permitted } from './access.js';
import { carry } from './copy-up.js';
import { hiddenFiles } from './hidden-files.js';
import { hiddenBy, isReserved, markerName } from './names.js';
import { type FileNode, type FolderNode, newFile, newFolder, typeBits, types } from './nodes.js';
import { canCarry } from './numbered.js';
import type { UpperState } from './options.js';
import { scanNumbers } from './system-calls.js';

/** An entry on disk whose number is not known yet. */
interface Found {
  folder: FolderNode;
  name: string;
  mode: number;
  diskInode: bigint;
  carriedInode: bigint;
}

interface NumberedFolder {
  node: FolderNode;
  diskInode: bigint;
  carriedInode: bigint;
}

/**
 * Reads `tree/` and `orphans/` as they are on disk. First what carries its number gets it, then what can have that of the
 * disk, then the rest. Throws system errors.
 */
export class Loader {
  readonly #state: UpperState;
  readonly #isTakenOver: boolean;
  /** Of files with several links, by their number on disk. */
  readonly #linked = new Map<bigint, FileNode>();
  readonly #withoutNumber: (Found & { links: bigint })[] = [];
  readonly #folders: NumberedFolder[] = [];

  constructor(state: UpperState, isTakenOver: boolean) {
    this.#state = state;
    this.#isTakenOver = isTakenOver;
  }

  load(): void {
    const { disk, tree, events } = this.#state;
    this.#loadOrphans();
    this.#scan(tree.root);
    tree.root.isUnsynced = false;
    this.#numberMergedFolders();
    // What has to take another number than that of the disk must not take one that is somebody's.
    const folders = this.#folders.filter((found) => !this.#giveNatural(found));
    const files = this.#withoutNumber.filter((found) => !this.#addNatural(found));
    for (const { node, diskInode } of folders)
      this.#give(node, this.#choose(diskInode, disk.folderPath(node), types.folder));
    for (const found of files) this.#add(found);
    for (const inode of tree.nodes.keys()) events.changed(inode);
    // Who has one open sees that it has no name.
    if (this.#isTakenOver) for (const inode of hiddenFiles(tree)) events.changed(inode);
  }

  #scan(folder: FolderNode): void {
    const { disk, tree } = this.#state;
    const path = disk.folderPath(folder);
    const scan = permitted(
      this.#state,
      () => [folder],
      () => {
        const found = disk.calls.scanFolder(path);
        const isMarked = found.names.includes(markerName);
        // One without a path was lost with the power.
        if (isMarked) folder.marker = readFileSync(`${path}/${markerName}`, 'utf8') || undefined;
        return found;
      },
    );
    for (const name of scan.names) {
      const hidden = hiddenBy(name);
      if (hidden !== undefined) folder.whiteouts.add(hidden);
    }
    tree.merge(folder);
    scan.names.forEach((name, index) => {
      if (isReserved(name)) return;
      const number = (which: number) => scan.numbers[index * scanNumbers.each + which]!;
      const found = {
        folder,
        name,
        mode: Number(number(scanNumbers.mode)),
        diskInode: number(scanNumbers.diskInode),
        carriedInode: number(scanNumbers.shownInode),
        links: number(scanNumbers.links),
      };
      if ((found.mode & typeBits) === types.folder) this.#addFolder(found);
      else this.#addFile(found);
    });
  }

  #addFolder({ folder, name, ...found }: Found): void {
    const node = newFolder(0n, folder, name);
    this.#state.tree.attach(folder, name, node);
    node.isUnsynced = false;
    this.#folders.push({ node, ...found });
    this.#scan(node);
  }

  #addFile(found: Found & { links: bigint }): void {
    const { folder, name, diskInode, carriedInode, links, mode } = found;
    const { tree, numbers } = this.#state;
    const known = links > 1n ? this.#linked.get(diskInode) : undefined;
    if (known !== undefined) tree.attach(folder, name, known);
    else {
      const inode = carriedInode !== 0n ? carriedInode : this.#lowerLink(found);
      const isUsable = inode !== 0n && numbers.isOwn(inode) && !tree.nodes.has(inode);
      if (isUsable) this.#place(found, newFile(inode, mode));
      else this.#withoutNumber.push(found);
    }
  }

  /** A link carries no number: one in the place of a lower link that is not hidden is its copy, or as good. 0 for none. */
  #lowerLink({ folder, name, mode }: Found): bigint {
    const { tree } = this.#state;
    if ((mode & typeBits) !== types.link || !folder.merged || folder.whiteouts.has(name)) return 0n;
    const lower = tree.lower.child(folder.merged.entry, name);
    return lower?.kind === 'link' ? tree.lower.inodeOf(lower) : 0n;
  }

  #place({ folder, name, diskInode, links }: Found & { links: bigint }, file: FileNode): void {
    this.#state.tree.nodes.set(file.inode, file);
    this.#state.tree.attach(folder, name, file);
    if (links > 1n) this.#linked.set(diskInode, file);
  }

  /** False where something else has the number. */
  #addNatural(found: Found & { links: bigint }): boolean {
    if (this.#state.numbers.choose(found.diskInode).isCarried) return false;
    this.#add(found);
    return true;
  }

  #add(found: Found & { links: bigint }): void {
    const { diskInode, mode, folder, name, links } = found;
    const known = links > 1n ? this.#linked.get(diskInode) : undefined;
    if (known) this.#state.tree.attach(folder, name, known);
    else {
      const path = this.#state.disk.pathIn(folder, name);
      this.#place(found, newFile(this.#choose(diskInode, path, mode), mode));
    }
  }

  /** A merged folder has its lower one's number; others too lead to it, so that what was open before finds it. */
  #numberMergedFolders(): void {
    const { tree, numbers } = this.#state;
    for (const { node, carriedInode } of this.#folders) {
      for (const inode of [node.merged?.inode ?? 0n, carriedInode]) {
        if (inode !== 0n && numbers.isOwn(inode) && !tree.nodes.has(inode)) this.#give(node, inode);
      }
    }
  }

  /** Whether the folder has a number now. */
  #giveNatural({ node, diskInode }: NumberedFolder): boolean {
    const natural = this.#state.numbers.choose(diskInode);
    if (!natural.isCarried) this.#give(node, natural.inode);
    return node.inode !== 0n;
  }

  #give(node: FolderNode, inode: bigint): void {
    this.#state.tree.nodes.set(inode, node);
    if (node.inode === 0n) node.inode = inode;
    else node.aliases.push(inode);
  }

  #choose(diskInode: bigint, path: string, mode: number): bigint {
    const { disk, numbers } = this.#state;
    const { inode, isCarried } = numbers.choose(diskInode);
    if (isCarried && canCarry(mode) && !disk.isFrozen) carry(disk.calls, path, inode);
    return inode;
  }

  /** What is left of a copy that was not finished goes, and what nobody can have open any more. */
  #loadOrphans(): void {
    const { disk, numbers } = this.#state;
    if (disk.isFrozen && !this.#isTakenOver) return;
    const scan = disk.calls.scanFolder(disk.orphansPath);
    scan.names.forEach((name, index) => {
      const path = `${disk.orphansPath}/${name}`;
      const inode = /^[0-9a-f]{16}$/.test(name) ? BigInt(`0x${name}`) : 0n;
      const number = (which: number) => scan.numbers[index * scanNumbers.each + which]!;
      const mode = Number(number(scanNumbers.mode));
      const isAlive = this.#isTakenOver && numbers.isOwn(inode) && number(scanNumbers.links) === 1n;
      if (isAlive && (mode & typeBits) !== types.folder) this.#addOrphan(inode, mode);
      else if (!disk.isFrozen) rmSync(path, { recursive: true, force: true });
    });
  }

  #addOrphan(inode: bigint, mode: number): void {
    const file = newFile(inode, mode);
    file.isLinkable = true;
    this.#state.tree.nodes.set(inode, file);
    this.#state.events.orphaned(inode);
  }
}
