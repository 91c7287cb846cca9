import { setTimeout } from 'node:timers/promises';
import { changedNsOf } from '../../upper/stamp.js';
import type { UpperFolder } from '../upper-folder.js';
import { readStatuses } from './candidates.js';
import { readUpperTree } from './upper-tree.js';

/** What was written to so recently may not be all. */
export const quietMs = 2000;

/**
 * Waits until what was written last into an upper layer is no longer so recent that adoption leaves it alone; `quietMs` at
 * most, so where something is being written all the time that stays. Rejects with the signal's reason.
 */
export async function untilQuiet({ tree }: UpperFolder, signal: AbortSignal | undefined): Promise<void> {
  let newestNs = 0n;
  for (const { stamp } of readStatuses(tree, await readUpperTree(tree)).values()) {
    const changedNs = changedNsOf(stamp);
    if (changedNs > newestNs) newestNs = changedNs;
  }
  const restMs = Number(newestNs / 1_000_000n) + quietMs - Date.now();
  if (restMs > 0) await setTimeout(Math.min(restMs, quietMs), undefined, signal ? { signal } : {});
}
