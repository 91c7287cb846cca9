import type { Owner } from './attributes.js';
import type { Disk } from './disk.js';
import type { Lower, UpperEvents } from './lower.js';
import type { MergedTree } from './merged-tree.js';
import type { Numbers } from './numbers.js';

export interface UpperOptions {
  /** `environments/<name>/upper`, as `makeUpperFolder` makes it. */
  folder: string;
  environmentSerial: number;
  lower: Lower;
  /** This process takes over a mount: what is in `orphans/` may be open. */
  isTakenOver: boolean;
  events: UpperEvents;
  /** Owner of what is lower; left out: this process's. */
  owner?: Owner;
}

/** How long the process before may need to end, when its mount is taken over. */
export const lockWaitMs = 5_000;

/** What the operations of one upper layer share. */
export interface UpperState {
  readonly disk: Disk;
  readonly tree: MergedTree;
  readonly numbers: Numbers;
  readonly events: UpperEvents;
  readonly owner: Owner;
}
