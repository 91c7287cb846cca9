import type { GeneratedEntry, ImageEntry, View } from '../view/tree.js';

/** What an upper layer lies over. */
export interface Lower {
  view: View;
  /**
   * Writes the whole content at the start of the open file `fd`, which stays the caller's. Throws ContentMissing for a
   * generated file whose content has not been made yet, a system error when the store cannot be read.
   */
  copyContent(entry: ImageEntry | GeneratedEntry, fd: number): void;
  /** Bytes of a generated file; undefined while its content has not been made. */
  sizeOf(entry: GeneratedEntry): number | undefined;
}

/**
 * Thrown out of an operation that needs the content of a generated file: nothing was changed that can be seen; the
 * caller has it made and calls again.
 */
export class ContentMissing extends Error {
  override readonly name = 'ContentMissing';
  readonly entry: GeneratedEntry;

  constructor(entry: GeneratedEntry) {
    super('the content of a generated file has not been made');
    this.entry = entry;
  }
}

/** What the one who answers the kernel has to know at once. Called in the middle of operations: must not call back. */
export interface UpperEvents {
  /** From now on the lower view's answers about this inode are wrong; the upper layer's are right. */
  changed(inode: bigint): void;
  /** The upper layer has given it up: the lower view's answers are right again, descriptors of it are of no use. */
  restored(inode: bigint): void;
  /** A lower folder is merged with it from now on, or another one. */
  merged(inode: bigint): void;
  /** A name in a folder, given by all its numbers, leads elsewhere, or to what has changed, and no request did that. */
  outdated(folders: readonly bigint[], name: string): void;
  /** It has lost its last name: when the kernel forgets it, `forget` has to be called. */
  orphaned(inode: bigint): void;
}
