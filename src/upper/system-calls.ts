import { loadNativeModule } from '../base/native-module.js';

/** A time for utimensat(2): nanoseconds since 1970. */
export type SystemTime = bigint | 'now' | 'omit';

/** Flags of renameat2(2). */
export const renameFlags = { noReplace: 1, exchange: 2 } as const;

/** System calls that node lacks (native/src/js-files.hpp). No path's last link is followed; each throws errors with a `code`. */
export interface SystemCalls {
  renameAt(from: string, to: string, flags: number): void;
  setTimes(path: string, atime: SystemTime, mtime: SystemTime): void;
  getXattr(path: string, name: string): Buffer;
  /** `flags`: XATTR_CREATE (1), XATTR_REPLACE (2) or 0. */
  setXattr(path: string, name: string, value: Buffer, flags: number): void;
  listXattr(path: string): string[];
  removeXattr(path: string, name: string): void;
  /** mknod(2): under the process's umask. */
  makeNode(path: string, mode: number, device: number): void;
  /** flock(2), exclusive, without waiting: false if another open file has it. */
  lockFile(fd: number): boolean;
  scanFolder(path: string): FolderScan;
  /** To the start of `to`; EIO where `from` ends before. */
  copyRange(from: number, offset: number, length: number, to: number): void;
}

/** The names in a folder, without '.' and '..', and four numbers for each (`scanNumbers`). */
export interface FolderScan {
  names: string[];
  numbers: BigUint64Array;
}

/** Where each number stands; `shownInode` is what user.shenv.inode of a regular file or folder says, or 0. */
export const scanNumbers = { mode: 0, diskInode: 1, links: 2, shownInode: 3, each: 4 } as const;

export function loadSystemCalls(): SystemCalls {
  return loadNativeModule() as SystemCalls;
}
