import type { Kept } from '../../view/tree.js';

/**
 * What adoption changes in an upper layer, whoever holds its lock: the process that serves the environment, or a command
 * when none does. Paths are relative to `tree/`. No call changes what is shown, nor the time of a folder that stays.
 */
export interface AdoptionTarget {
  /** The upper layer's `tree`. */
  readonly root: string;
  /** Does `work` while nothing else changes the upper layer. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** Makes a whiteout of a name that is not shown; folders above it that only the lower tree has are copied up. */
  hide(path: string): void;
  /** Removes a whiteout, where it is there. */
  reveal(path: string): void;
  /**
   * Takes the copy of a file or link away: the lower one is shown. Open files stay good. False, and nothing is done,
   * where it is not in the state `stamp` any more (`UpperStatus.stamp`), or has what the lower one cannot have:
   * extended attributes of its own.
   */
  giveBack(path: string, stamp: string): boolean;
  /** Removes a folder that has nothing of its own. False where it has, or has another time or mode by now. */
  giveBackFolder(path: string, kept: Required<Kept>): boolean;
  /** What was done is durable when this resolves. */
  sync(): Promise<void>;
}
