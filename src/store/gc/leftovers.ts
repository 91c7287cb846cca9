import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { longestStagingMs } from '../../base/atomic-write.js';
import { isRefusal, unless } from '../../base/errors.js';
import type { StorePart } from '../chain.js';
import { type FoundLease, isRunningOperation } from '../leases.js';

/**
 * Removes what processes that were killed have left in tmp/, and gives its count. Whoever stages holds a lease: without one, all
 * that was there when gc began is left over; while an operation runs, what is older than a day. Only files, and folders
 * of users who are believed: anybody else could put a link in the place of what is in his own.
 */
export async function removeLeftovers(
  part: StorePart,
  { nowMs, leases }: { nowMs: number; leases: readonly FoundLease[] },
): Promise<number> {
  const { staging } = part.layout;
  const beforeMs = leases.some(isRunningOperation) ? nowMs - longestStagingMs : nowMs;
  let count = 0;
  for (const name of (await unless('ENOENT', readdir(staging))) ?? []) {
    const path = join(staging, name);
    const status = await unless('ENOENT', lstat(path));
    if (!status || status.mtimeMs >= beforeMs) continue;
    if (!status.isFile() && !(status.isDirectory() && part.believesFolder(path))) continue;
    await rm(path, { recursive: true, force: true }).then(
      () => {
        count += 1;
      },
      (error: unknown) => {
        if (!isRefusal(error)) throw error;
      },
    );
  }
  return count;
}
