import { ShenvError } from '../../base/errors.js';
import type { Workspace } from '../../env/workspace.js';
import type { DaemonStatus } from '../../mount/daemon-status.js';
import { assertOwnMount, canonicalMountpoint } from '../../mount/mountpoint.js';
import { askDaemon, type DaemonRecord, isServed, listRecords } from '../../mount/runtime.js';
import type { SupervisionStatus } from '../../mount/supervision-status.js';
import { formatBytes, type Report } from '../render.js';
import { formatTable } from '../table.js';
import { describeForeignMounts } from './foreign-mounts.js';

export async function status(workspace: Workspace, path: string | undefined): Promise<Report> {
  const { runtime } = workspace.places;
  const wanted = path === undefined ? undefined : await canonicalMountpoint(path);
  const data: (DaemonStatus | SilentMount)[] = [];
  for (const record of await listRecords(runtime)) {
    if (wanted !== undefined && record.mountpoint !== wanted) continue;
    data.push(await statusOf(runtime, record, { mayBeSilent: wanted === undefined }));
  }
  if (wanted !== undefined && data.length === 0) {
    await assertOwnMount(wanted);
    throw new ShenvError('NOT_MOUNTED', `No daemon of yours serves ${wanted}`, {
      hint: 'Start one with `shenv-fs mount`.',
    });
  }
  const own = data.length === 0 ? ['Nothing is mounted.'] : data.map(describeMount);
  const others = wanted === undefined ? await describeForeignMounts() : [];
  return { data, text: [...own, ...(others.length === 0 ? [] : [others.join('\n')])].join('\n\n') };
}

/** A mount whose daemon left its record behind, or does not answer. */
type SilentMount = { mountpoint: string; environment?: string } & (
  | { dead: true }
  /** Why it gave no answer. */
  | { unreachable: string }
);

/** One that hangs does not keep the others from being shown, where all are asked for. Throws DAEMON_UNREACHABLE. */
async function statusOf(
  runtime: string,
  record: DaemonRecord,
  { mayBeSilent }: { mayBeSilent: boolean },
): Promise<DaemonStatus | SilentMount> {
  const { mountpoint, environment } = record;
  const known = { mountpoint, ...(environment === undefined ? {} : { environment }) };
  if (!isServed(record)) return { ...known, dead: true };
  try {
    return (await askDaemon(runtime, mountpoint, { operation: 'status' })) as DaemonStatus;
  } catch (error) {
    const isSilent = error instanceof ShenvError && error.code === 'DAEMON_UNREACHABLE';
    if (!isSilent || !mayBeSilent) throw error;
    return { ...known, unreachable: error.message };
  }
}

function describeMount(mount: DaemonStatus | SilentMount): string {
  const { mountpoint, environment } = mount;
  if ('unreachable' in mount) return `${mountpoint}: ${mount.unreachable}`;
  if ('dead' in mount) {
    const options = environment === undefined ? '' : `--env ${environment} `;
    return `${mountpoint}: its daemon is gone; run \`shenv-fs mount ${options}${mountpoint}\``;
  }
  const shown = environment === undefined ? `${mount.environments} environments` : `'${environment}' alone`;
  const rows = Object.entries(mount.requests)
    .sort(([, a], [, b]) => b - a)
    .map(([operation, count]) => [`  ${operation}`, String(count)]);
  return [
    `${mountpoint}: engine ${mount.engine} (${mount.engineReason}), pid ${mount.pid}, up ${mount.uptimeSeconds} s`,
    mount.writable === undefined
      ? '  read-only'
      : `  writable here: ${mount.writable.join(', ') || 'none used so far'}`,
    `  ${shown}, ${mount.viewsLoaded} composed, ${formatBytes(mount.memoryBytes)} of memory`,
    describeSupervision(mount.supervision),
    ...describeService(mount.details),
    ...Object.entries(mount.failures).map(([name, reason]) => `  cannot show ${name}: ${reason}`),
    ...Object.entries(mount.warnings ?? {}).map(
      ([name, reason]) => `  ${name} is shown from its images: ${reason}`,
    ),
    formatTable(['  REQUEST', 'COUNT'], rows),
  ].join('\n');
}

function describeSupervision(supervision: SupervisionStatus | undefined): string {
  if (!supervision) return '  nobody supervises it';
  const { pid, isWatching, memoryBytes, deaths, lastEnd, toServiceMs } = supervision;
  if (!isWatching) return `  nobody supervises it: its supervisor (pid ${pid}) has died`;
  const last =
    lastEnd === undefined
      ? ''
      : `; the last ended ${new Date(lastEnd.timeMs).toISOString()} (${lastEnd.how} ${lastEnd.number}), served again after ${toServiceMs} ms`;
  return `  supervisor pid ${pid}, ${formatBytes(memoryBytes)} of memory, ${deaths} servers died${last}`;
}

/** Bytes read and the times within which half and 99 % of the requests were answered, where the engine counts them. */
function describeService({ bytesRead, latencyUs }: DaemonStatus['details']): string[] {
  if (typeof bytesRead !== 'number' || !Array.isArray(latencyUs)) return [];
  const within = (share: number) => `${2 ** quantileBucket(latencyUs as number[], share)} us`;
  return [
    `  ${formatBytes(bytesRead)} read; half of the requests answered within ${within(0.5)}, 99 % within ${within(0.99)}`,
  ];
}

/** The bucket (2^index us is its upper end) below which `share` of the counts lie. */
function quantileBucket(buckets: readonly number[], share: number): number {
  const wanted = buckets.reduce((sum, count) => sum + count, 0) * share;
  let seen = 0;
  const found = buckets.findIndex((count) => {
    seen += count;
    return seen >= wanted;
  });
  return Math.max(found, 0);
}
