import type { GeneratedEntry } from '../view/tree.js';
import { addAlias } from './alias.js';
import type {
  AttributeChanges,
  CreateRequest,
  FileAttributes,
  Found,
  ListEntry,
  Opened,
  Request,
} from './attributes.js';
import { attributesOfThing } from './attributes-of.js';
import { type OpenedFolder, openBacking, openFolder } from './backing.js';
import { create, link, makeNode, makeTemporary, mkdir, newPlace, readLink, symlink } from './creation.js';
import { Disk } from './disk.js';
import { getAttribute, listAttributes, removeAttribute, setAttribute } from './extended-attributes.js';
import { FileError } from './file-error.js';
import { giveBack, giveBackFolder, hide, reveal } from './give-back.js';
import { Guard } from './guard.js';
import { list } from './list.js';
import { Loader } from './load.js';
import { ContentMissing, type Lower } from './lower.js';
import { LowerTree } from './lower-tree.js';
import { MergedTree } from './merged-tree.js';
import { checkName } from './names.js';
import { type LowerThing, newFolder, type Thing } from './nodes.js';
import { Numbers } from './numbers.js';
import type { UpperOptions, UpperState } from './options.js';
import { forget, rmdir, unlink } from './removal.js';
import { rename } from './rename.js';
import { setAttributes } from './set-attributes.js';
import { openToSync, syncAll } from './synchronize.js';
import { takeBack } from './take-back.js';

/**
 * The writable tree of one environment (docs/writable.md). Every operation is synchronous but `open` and `sync`, throws
 * FileError or a system error with the errno to answer with, and ContentMissing where a generated file has to be made
 * first. An inode number that is not known gives ESTALE. Changes throw EROFS while the environment is frozen.
 * What the kernel checks before it asks (permissions, mostly) is not checked again.
 */
export class UpperLayer {
  readonly #state: UpperState;
  readonly #guard: Guard;

  private constructor(state: UpperState) {
    this.#state = state;
    this.#guard = new Guard(state);
  }

  /**
   * Locks the folder (unless it is frozen), reads it, and tells `events.changed` of all that is in it. Throws
   * ENVIRONMENT_BUSY when another process holds the lock, system errors as they come.
   */
  static async open(options: UpperOptions): Promise<UpperLayer> {
    const disk = await Disk.open(options);
    try {
      const state = stateOf(disk, options);
      new Loader(state, options.isTakenOver).load();
      return new UpperLayer(state);
    } catch (error) {
      disk.close();
      throw error;
    }
  }

  /** Gives the lock back. Nothing may be called afterwards. */
  close(): void {
    this.#state.disk.close();
  }

  get isFrozen(): boolean {
    return this.#state.disk.isFrozen;
  }

  /** Another generation was published: the upper layer lies over this now. Numbers of what stays, stay. */
  setLower(lower: Lower): void {
    const { tree } = this.#state;
    tree.setLower(new LowerTree(lower), (folder) => addAlias(this.#state, folder));
  }

  /** Undefined where there is no such name. '.' and '..' are answered too. */
  lookup(parent: bigint, name: string): Found | undefined {
    const { tree } = this.#state;
    checkName(name);
    const folder = tree.find(parent);
    if (name === '.') return { kind: 'upper', attributes: this.attributes(parent) };
    if (name === '..') return { kind: 'upper', attributes: this.attributes(tree.parentOf(folder)) };
    const above = tree.findFolder(parent);
    const thing = tree.child(above, name);
    if (thing === undefined) return undefined;
    if (thing.kind !== 'lower') return { kind: 'upper', attributes: this.#attributesOf(thing) };
    const lowerParent = above.kind === 'lower' ? tree.lower.inodeOf(above.entry) : above.merged!.inode;
    return { kind: 'lower', parent: lowerParent, name };
  }

  /** As `attributes`, always with the size: throws ContentMissing where a generated file has to be made for it. */
  measured(inode: bigint): FileAttributes {
    const attributes = this.attributes(inode);
    if (attributes.size !== undefined) return attributes;
    const thing = this.#state.tree.find(inode) as LowerThing;
    throw new ContentMissing(thing.entry as GeneratedEntry);
  }

  attributes(inode: bigint): FileAttributes {
    const attributes = this.#attributesOf(this.#state.tree.find(inode));
    return attributes.inode === inode ? attributes : { ...attributes, inode };
  }

  /**
   * Entries after the one with the cookie `after` (0: from the start), without '.' and '..', in a stable order: names
   * that come and go meanwhile shift no other. Made one by one as they are taken. Cookies of '.' and '..' are the caller's: 1 and 2.
   */
  list(parent: bigint, after = 0): Iterable<ListEntry> {
    return list(this.#state, this.#state.tree.findFolder(parent), after);
  }

  /** A regular file. Without `isExclusive`, one that is there is opened. */
  create(parent: bigint, name: string, request: CreateRequest & { isExclusive: boolean }): Opened {
    return this.#guard.changeIn([parent], () =>
      create(this.#state, newPlace(this.#state, parent, name), request),
    );
  }

  mkdir(parent: bigint, name: string, request: CreateRequest): FileAttributes {
    return this.#guard.changeIn([parent], () =>
      mkdir(this.#state, newPlace(this.#state, parent, name), request),
    );
  }

  /** mknod(2): `mode` with type bits. */
  makeNode(parent: bigint, name: string, request: CreateRequest & { device: number }): FileAttributes {
    return this.#guard.changeIn([parent], () =>
      makeNode(this.#state, newPlace(this.#state, parent, name), request),
    );
  }

  symlink(
    parent: bigint,
    name: string,
    target: string,
    request: Omit<CreateRequest, 'mode'>,
  ): FileAttributes {
    return this.#guard.changeIn([parent], () =>
      symlink(this.#state, newPlace(this.#state, parent, name), target, request),
    );
  }

  /** Also gives a file of `makeTemporary` its first name. */
  link(inode: bigint, parent: bigint, name: string, request: Request): FileAttributes {
    const { tree } = this.#state;
    return this.#guard.changeIn([inode, parent], () =>
      link(this.#state, tree.find(inode), newPlace(this.#state, parent, name), request),
    );
  }

  unlink(parent: bigint, name: string, request: Request): void {
    this.#guard.changeAt([[parent, name]], () => unlink(this.#state, parent, name, request));
  }

  rmdir(parent: bigint, name: string, request: Request): void {
    this.#guard.changeAt([[parent, name]], () => rmdir(this.#state, parent, name, request));
  }

  /** renameat2(2): `flags` 0, RENAME_NOREPLACE (1) or RENAME_EXCHANGE (2), else EINVAL. */
  rename(
    parent: bigint,
    name: string,
    newParent: bigint,
    newName: string,
    request: Request & { flags: number },
  ): void {
    const [from, to] = [
      { parent, name },
      { parent: newParent, name: newName },
    ];
    this.#guard.changeAt(
      [
        [parent, name],
        [newParent, newName],
      ],
      () => rename(this.#state, from, to, request),
    );
  }

  /** What is left out stays. An unchanged file is copied up. */
  setAttributes(inode: bigint, changes: AttributeChanges): FileAttributes {
    return this.#guard.change(inode, (thing) => setAttributes(this.#state, thing, changes));
  }

  readLink(inode: bigint): string {
    const target = this.#guard.read(inode, (thing) => readLink(this.#state, thing));
    if (target === undefined) throw new FileError('EINVAL', inode.toString(16));
    return target;
  }

  /**
   * A descriptor of the regular file in the upper layer, the caller's to close; with `isForWriting` an unchanged one is
   * copied up, else the lower view answers for it: undefined. Open for reading and writing, for reading alone where
   * the system does not allow more and `isForWriting` is false.
   */
  openBacking(inode: bigint, isForWriting: boolean): number | undefined {
    if (!isForWriting) return this.#guard.read(inode, (thing) => openBacking(this.#state, thing, false));
    return this.#guard.change(inode, (thing) => openBacking(this.#state, thing, true));
  }

  /** A descriptor of a folder that has a part in the upper layer, where it can be opened; the caller's to close. */
  openFolder(inode: bigint): OpenedFolder | undefined {
    return openFolder(this.#state, inode);
  }

  /** O_TMPFILE: a file without a name, which `link` may give one. `parent` only has to exist. */
  makeTemporary(parent: bigint, request: CreateRequest): Opened {
    this.#guard.checkThawed();
    return makeTemporary(this.#state, this.attributes(parent), request);
  }

  /** ENODATA, or EOPNOTSUPP outside of `user.`. */
  getAttribute(inode: bigint, name: string): Buffer {
    return this.#guard.read(inode, (thing) => getAttribute(this.#state, thing, name));
  }

  /** `flags`: XATTR_CREATE (1), XATTR_REPLACE (2) or 0. EOPNOTSUPP outside of `user.` and within `user.shenv.`. */
  setAttribute(inode: bigint, name: string, value: Buffer, flags: number): void {
    this.#guard.change(inode, (thing) => setAttribute(this.#state, thing, name, value, flags));
  }

  listAttributes(inode: bigint): string[] {
    return this.#guard.read(inode, (thing) => listAttributes(this.#state, thing));
  }

  removeAttribute(inode: bigint, name: string): void {
    this.#guard.change(inode, (thing) => removeAttribute(this.#state, thing, name));
  }

  /** fsync of a file or folder, and of the folders above it that were copied up or made since their last one. */
  async sync(inode: bigint): Promise<void> {
    await syncAll(this.#guard.read(inode, (thing) => openToSync(this.#state, thing)));
  }

  /** The kernel has forgotten it: an orphan's file is removed. Nothing for anything else. */
  forget(inode: bigint): void {
    forget(this.#state, inode);
  }

  /** Of a file with several names the folder of one of them; the root's is the root. ESTALE without a name. */
  parentOf(inode: bigint): bigint {
    return this.#state.tree.parentOf(this.#state.tree.find(inode));
  }

  /** Relative to the environment's root, '' for it. ESTALE without a name. */
  pathOf(inode: bigint): string {
    return this.#state.tree.pathOf(this.#state.tree.find(inode));
  }

  /** Adoption, as the four below (give-back.ts): a whiteout of a name that is not shown. Throws ENOENT, ENOTDIR, EEXIST. */
  hide(path: string): void {
    hide(this.#state, path);
  }

  /** Removes a whiteout, where there is one. */
  reveal(path: string): void {
    reveal(this.#state, path, (folder) => addAlias(this.#state, folder));
  }

  /** Takes a copy away that the lower tree has just so; `stamp`: as `stampOf`. False where it is another by now. */
  giveBack(path: string, stamp: string): boolean {
    return giveBack(this.#state, path, stamp);
  }

  /** Removes the part of a folder that has nothing of its own. False where it has, or another time. */
  giveBackFolder(path: string, asNoted: { mtimeNs: bigint; mode: number }): boolean {
    return giveBackFolder(this.#state, path, asNoted);
  }

  /** Takes the local edit at a path back (take-back.ts). False where there is none. */
  takeBack(path: string): boolean {
    return takeBack(this.#state, path);
  }

  #attributesOf(thing: Thing): FileAttributes {
    return this.#guard.readThing(thing, (found) => attributesOfThing(this.#state, found));
  }
}

function stateOf(disk: Disk, { environmentSerial, lower, events, owner }: UpperOptions): UpperState {
  const lowerTree = new LowerTree(lower);
  const root = newFolder(lowerTree.inodeOf(lower.view.root), undefined, '');
  const tree = new MergedTree(root, lowerTree);
  const numbers = new Numbers(environmentSerial, (inode) => tree.nodes.has(inode) || tree.isLed(inode));
  const self = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return { disk, tree, numbers, events, owner: owner ?? self };
}
