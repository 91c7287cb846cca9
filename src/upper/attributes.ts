/**
 * What stat(2) tells of an object. Of the upper layer's: lstat's own numbers, but with the inode number that it is
 * shown with, and `nlink` 1 for folders and 0 for what has no name. Of unchanged lower ones: `nlink` 1, folders have
 * size 0, all times are the modification time.
 */
export interface FileAttributes {
  inode: bigint;
  /** With the type bits. */
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  rdev: number;
  /** Bytes; undefined for a generated file whose content has not been made. */
  size: number | undefined;
  /** Of 512 bytes. */
  blocks: number;
  atimeNs: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
  /** Nothing of it is in the upper layer. */
  isLower: boolean;
}

/** A time to set: nanoseconds since 1970, or the time at which it is done. */
export type TimeToSet = bigint | 'now';

export interface AttributeChanges {
  /** Permission bits; type bits are left aside. */
  mode?: number;
  uid?: number;
  gid?: number;
  size?: number;
  atime?: TimeToSet;
  mtime?: TimeToSet;
}

/** Whose request it is. */
export interface Owner {
  uid: number;
  gid: number;
}

/** Where a name leads. */
export type Found =
  | { kind: 'upper'; attributes: FileAttributes }
  /** Unchanged: the lower view answers for this name of this folder of its own. */
  | { kind: 'lower'; parent: bigint; name: string };

/** One name of a folder. */
export interface ListEntry {
  name: string;
  inode: bigint;
  /** The type bits of the mode: 0o040000, 0o100000, 0o120000, ... */
  type: number;
  /** A listing that goes on after this entry is asked for with it; at least 3. */
  cookie: number;
  /** Undefined for a generated file whose size is not known yet. */
  attributes: FileAttributes | undefined;
}

export interface Request {
  /** The kernel sent it again: it may have been carried out by the process before this one. */
  isResent: boolean;
}

export interface CreateRequest extends Request {
  /** Permission bits after the caller's umask. */
  mode: number;
  owner: Owner;
}

/** An open descriptor, which is the caller's to close. */
export interface Opened {
  attributes: FileAttributes;
  /** Open for reading and writing where that is possible, without O_APPEND. */
  fd: number;
}
