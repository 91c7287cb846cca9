import { setTimeout } from 'node:timers/promises';
import { ShenvError } from '../../base/errors.js';
import { programFile } from '../../base/package-files.js';
import type { Workspace } from '../../env/workspace.js';
import type { DaemonStatus } from '../../mount/daemon-status.js';
import { canonicalMountpoint } from '../../mount/mountpoint.js';
import { askDaemon, isServed, listRecords } from '../../mount/runtime.js';
import type { Report } from '../render.js';

const takeOverTimeoutMs = 30_000;
const pollMs = 20;

/** Lets this program, which may be a newer one, serve a mount in place of the process that does; nobody notices. */
export async function restart(workspace: Workspace, path: string | undefined): Promise<Report> {
  const mountpoint = await canonicalMountpoint(path ?? workspace.places.mountpoint);
  const { runtime } = workspace.places;
  const record = (await listRecords(runtime)).find((candidate) => candidate.mountpoint === mountpoint);
  if (!record || !isServed(record)) {
    throw new ShenvError('NOT_MOUNTED', `No daemon of yours serves ${mountpoint}`, {
      hint: '`shenv-fs status` lists running mounts.',
    });
  }
  const before = await statusOf(runtime, mountpoint);
  await askDaemon(runtime, mountpoint, { operation: 'restart', command: [process.execPath, programFile] });
  const { pid } = await untilReplaced(runtime, mountpoint, before.pid);
  return { data: { mountpoint, pid, pidBefore: before.pid }, text: `Restarted ${mountpoint} (pid ${pid})` };
}

async function untilReplaced(runtime: string, mountpoint: string, pid: number): Promise<DaemonStatus> {
  const endMs = Date.now() + takeOverTimeoutMs;
  for (;;) {
    const status = await statusOf(runtime, mountpoint).catch((error: unknown) => {
      // The one before closes its socket before it ends.
      if (Date.now() > endMs) throw error;
    });
    if (status && status.pid !== pid) return status;
    if (Date.now() > endMs) {
      throw new ShenvError('DAEMON_UNREACHABLE', `Another process did not take ${mountpoint} over in time`, {
        hint: '`shenv-fs status` tells who serves it; its log is in the runtime folder.',
      });
    }
    await setTimeout(pollMs);
  }
}

async function statusOf(runtime: string, mountpoint: string): Promise<DaemonStatus> {
  return (await askDaemon(runtime, mountpoint, { operation: 'status' })) as DaemonStatus;
}
