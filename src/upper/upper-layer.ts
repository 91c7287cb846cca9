import type {
  AttributeChanges,
  CreateRequest,
  FileAttributes,
  Found,
  ListEntry,
  Opened,
  Owner,
  Request,
} from './attributes.js';
import type { Lower, UpperEvents } from './lower.js';

export interface UpperOptions {
  /** `environments/<name>/upper`; made by `makeUpperFolder`. */
  folder: string;
  environmentSerial: number;
  lower: Lower;
  /** This process takes over a mount: what is in `orphans/` may be open. */
  isTakenOver: boolean;
  events: UpperEvents;
  /** Owner of what is lower; left out: this process's. */
  owner?: Owner;
}

/**
 * The writable tree of one environment (docs/writable.md). Every operation is synchronous but `open` and `sync`, throws
 * FileError or a system error with the errno to answer with, and ContentMissing where a generated file has to be made
 * first. An inode number that is not known gives ESTALE. Changes throw EROFS while the environment is frozen.
 * What the kernel checks before it asks (permissions, mostly) is not checked again.
 */
export class UpperLayer {
  /**
   * Locks the folder, reads it, and tells `events.changed` of all that is in it. Throws ENVIRONMENT_BUSY when another
   * process holds the lock (when taking over: after 5 s), system errors as they come.
   */
  static async open(_options: UpperOptions): Promise<UpperLayer> {
    return new UpperLayer();
  }

  /** Gives the lock back. Nothing may be called afterwards. */
  close(): void {
    throw notYet();
  }

  get isFrozen(): boolean {
    throw notYet();
  }

  /** Seals and unseals: `frozen` is made or removed on disk too. */
  setFrozen(_isFrozen: boolean): void {
    throw notYet();
  }

  /** Another generation was published: the upper layer lies over this now. Numbers of what stays, stay. */
  setLower(_lower: Lower): void {
    throw notYet();
  }

  /** Undefined where there is no such name. '.' and '..' are answered too. */
  lookup(_parent: bigint, _name: string): Found | undefined {
    throw notYet();
  }

  attributes(_inode: bigint): FileAttributes {
    throw notYet();
  }

  /**
   * Entries after the one with the cookie `after` (0: from the start), without '.' and '..', in a stable order: names
   * that come and go meanwhile shift no other. Made one by one as they are taken. Cookies of '.' and '..' are the caller's: 1 and 2.
   */
  list(_parent: bigint, _after = 0): Iterable<ListEntry> {
    throw notYet();
  }

  /** A regular file. Without `isExclusive`, one that is there is opened. */
  create(_parent: bigint, _name: string, _request: CreateRequest & { isExclusive: boolean }): Opened {
    throw notYet();
  }

  mkdir(_parent: bigint, _name: string, _request: CreateRequest): FileAttributes {
    throw notYet();
  }

  /** mknod(2): `mode` with type bits. */
  makeNode(_parent: bigint, _name: string, _request: CreateRequest & { device: number }): FileAttributes {
    throw notYet();
  }

  symlink(
    _parent: bigint,
    _name: string,
    _target: string,
    _request: Omit<CreateRequest, 'mode'>,
  ): FileAttributes {
    throw notYet();
  }

  /** Also gives a file of `makeTemporary` its first name. */
  link(_inode: bigint, _parent: bigint, _name: string, _request: Request): FileAttributes {
    throw notYet();
  }

  unlink(_parent: bigint, _name: string, _request: Request): void {
    throw notYet();
  }

  rmdir(_parent: bigint, _name: string, _request: Request): void {
    throw notYet();
  }

  /** renameat2(2): `flags` 0, RENAME_NOREPLACE (1) or RENAME_EXCHANGE (2), else EINVAL. */
  rename(
    _parent: bigint,
    _name: string,
    _newParent: bigint,
    _newName: string,
    _request: Request & { flags: number },
  ): void {
    throw notYet();
  }

  /** What is left out stays. An unchanged file is copied up. */
  setAttributes(_inode: bigint, _changes: AttributeChanges): FileAttributes {
    throw notYet();
  }

  readLink(_inode: bigint): string {
    throw notYet();
  }

  /**
   * A descriptor of the regular file in the upper layer, the caller's to close; with `isForWriting` an unchanged one is
   * copied up, else the lower view answers for it: undefined. Open for reading and writing, for reading alone where
   * the system does not allow more and `isForWriting` is false.
   */
  openBacking(_inode: bigint, _isForWriting: boolean): number | undefined {
    throw notYet();
  }

  /** O_TMPFILE: a file without a name, which `link` may give one. `parent` only has to exist. */
  makeTemporary(_parent: bigint, _request: CreateRequest): Opened {
    throw notYet();
  }

  /** ENODATA, or EOPNOTSUPP outside of `user.`. */
  getAttribute(_inode: bigint, _name: string): Buffer {
    throw notYet();
  }

  /** `flags`: XATTR_CREATE (1), XATTR_REPLACE (2) or 0. EOPNOTSUPP outside of `user.` and within `user.shenv.`. */
  setAttribute(_inode: bigint, _name: string, _value: Buffer, _flags: number): void {
    throw notYet();
  }

  listAttributes(_inode: bigint): string[] {
    throw notYet();
  }

  removeAttribute(_inode: bigint, _name: string): void {
    throw notYet();
  }

  /** fsync of a file or folder, and of the folders above it that were copied up or made since their last one. */
  async sync(_inode: bigint): Promise<void> {
    throw notYet();
  }

  /** The kernel has forgotten it: an orphan's file is removed. Nothing for anything else. */
  forget(_inode: bigint): void {
    throw notYet();
  }

  /** Of a file with several names the folder of one of them; the root's is the root. ESTALE without a name. */
  parentOf(_inode: bigint): bigint {
    throw notYet();
  }

  /** Relative to the environment's root, '' for it. ESTALE without a name. */
  pathOf(_inode: bigint): string {
    throw notYet();
  }
}

function notYet(): Error {
  return new Error('not there yet');
}
