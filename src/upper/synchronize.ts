import { close, constants, fsync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Thing, types, type UpperNode } from './nodes.js';
import type { UpperState } from './options.js';

const flush = promisify(fsync);
const shut = promisify(close);

/**
 * Opens what has to be synced, so that it is found wherever it is moved meanwhile: the object itself, and the folders
 * above it that were copied up or made since their last sync, with the one that holds the topmost.
 */
export function openToSync(state: UpperState, thing: Thing): SyncJob[] {
  if (thing.kind === 'lower' || (thing.kind === 'folder' && thing.removed)) return [];
  if (thing.kind === 'file' && thing.type !== types.file) return [];
  const nodes: UpperNode[] = [thing];
  let above = thing.kind === 'folder' ? thing : thing.places[0]?.folder;
  if (thing.kind === 'file' && above !== undefined && (thing.isUnsynced || above.isUnsynced))
    nodes.push(above);
  for (; above?.parent !== undefined && above.isUnsynced; above = above.parent) nodes.push(above.parent);
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const jobs: SyncJob[] = [];
  for (const node of nodes) jobs.push({ node, fd: openSync(state.disk.pathOf(node), flags) });
  return jobs;
}

export interface SyncJob {
  node: UpperNode;
  fd: number;
}

/** Syncs and closes them. Rejects with the first system error. */
export async function syncAll(jobs: readonly SyncJob[]): Promise<void> {
  const results = await Promise.allSettled(jobs.map(({ fd }) => flush(fd)));
  await Promise.all(jobs.map(({ fd }) => shut(fd)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  for (const { node } of jobs.slice(0, -1)) node.isUnsynced = false;
}
