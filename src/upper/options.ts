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
  /** The mount has shown it before, from another process maybe: what is in `orphans/` may be open. */
  isTakenOver: boolean;
  /** How long another process may need to give the lock back, in milliseconds; left out: none is waited for. */
  lockWaitMs?: number;
  events: UpperEvents;
  /** Owner of what is lower; left out: this process's. */
  owner?: Owner;
}

/** What the operations of one upper layer share. */
export interface UpperState {
  readonly disk: Disk;
  readonly tree: MergedTree;
  readonly numbers: Numbers;
  readonly events: UpperEvents;
  readonly owner: Owner;
}
