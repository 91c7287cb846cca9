import { setTimeout } from 'node:timers/promises';
import { ShenvError } from '../../base/errors.js';
import type { Workspace } from '../../env/workspace.js';
import { canonicalMountpoint, mountAt, unmountPath } from '../../mount/mountpoint.js';
import { askDaemon, type DaemonRecord, isServed, listRecords, removeRecord } from '../../mount/runtime.js';
import type { Report } from '../render.js';

export interface UnmountOptions {
  lazy?: boolean;
  /** Seconds to wait for processes that use the mount. */
  wait: string;
}

const pollMs = 100;
const endTimeoutMs = 10_000;

export async function unmount(
  workspace: Workspace,
  path: string | undefined,
  options: UnmountOptions,
): Promise<Report> {
  const mountpoint = await canonicalMountpoint(path ?? workspace.places.mountpoint);
  const { runtime } = workspace.places;
  const lazy = options.lazy === true;
  const waitMs = checkWait(options.wait) * 1000;
  const record = (await listRecords(runtime)).find((candidate) => candidate.mountpoint === mountpoint);
  if (!(await mountAt(mountpoint))) {
    if (record && !isServed(record)) await removeRecord(runtime, mountpoint);
    throw new ShenvError('NOT_MOUNTED', `Nothing is mounted at ${mountpoint}`, {
      hint: '`shenv-fs status` lists running mounts.',
    });
  }
  await onceUnused(waitMs, () => end(runtime, mountpoint, record, lazy));
  await removeRecord(runtime, mountpoint);
  // Those who still use a mount that was detached are served on.
  if (record && !lazy) await untilEnded(record);
  return { data: { mountpoint }, text: `Unmounted ${mountpoint}` };
}

function checkWait(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new ShenvError('USAGE', `--wait takes a number of seconds, not '${text}'`, {
    hint: 'Leave it out to wait a moment.',
  });
}

async function end(
  runtime: string,
  mountpoint: string,
  record: DaemonRecord | undefined,
  lazy: boolean,
): Promise<void> {
  if (!record || !isServed(record)) return unmountPath(mountpoint, lazy);
  try {
    await askDaemon(runtime, mountpoint, { operation: 'stop', lazy });
  } catch (error) {
    const isSilent = error instanceof ShenvError && error.code === 'DAEMON_UNREACHABLE';
    // One that hangs must not keep its place; one that has died meanwhile does not need it.
    if (!isSilent || (!lazy && isServed(record))) throw error;
    await unmountPath(mountpoint, lazy);
  }
}

/** Tries again while a process uses the mount: many are just about to end. */
async function onceUnused(waitMs: number, attempt: () => Promise<void>): Promise<void> {
  const endMs = Date.now() + waitMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const isBusy = error instanceof ShenvError && error.code === 'MOUNT_BUSY';
      if (!isBusy || Date.now() > endMs) throw error;
    }
    await setTimeout(pollMs);
  }
}

/** A daemon that takes longer to clean up does so alone. */
async function untilEnded(record: DaemonRecord): Promise<void> {
  const endMs = Date.now() + endTimeoutMs;
  while (isServed(record) && Date.now() < endMs) await setTimeout(pollMs / 5);
}
