import { ShenvError } from '../../base/errors.js';
import { isAlive } from '../../base/process-identity.js';
import type { Workspace } from '../../env/workspace.js';
import { Daemon, type DaemonStatus } from '../../mount/daemon.js';
import type { EngineName } from '../../mount/engine.js';
import {
  assertOwnMount,
  canonicalMountpoint,
  mountAt,
  probeMount,
  unmountPath,
} from '../../mount/mountpoint.js';
import { askDaemon, listRecords, prepareRuntime, removeRecord, runtimeFiles } from '../../mount/runtime.js';
import { formatBytes, type Report } from '../render.js';
import { formatTable } from '../table.js';
import { startInBackground, tellFailure, tellReadiness } from './background.js';
import { describeForeignMounts } from './foreign-mounts.js';

export interface MountOptions {
  engine: EngineName | 'auto';
  foreground?: boolean;
  allowOther?: boolean;
  threads?: string;
  du: 'shared' | 'full';
  /** The one environment to mount; undefined mounts all. */
  env?: string;
}

/** Where tools look for a project's environment. */
const projectMountpoint = '.venv';

export async function mount(
  workspace: Workspace,
  path: string | undefined,
  options: MountOptions,
): Promise<Report> {
  const usual = options.env === undefined ? workspace.places.mountpoint : projectMountpoint;
  const mountpoint = await canonicalMountpoint(path ?? usual);
  checkThreads(options.threads);
  return options.foreground ? serve(workspace, mountpoint, options) : start(workspace, mountpoint, options);
}

async function serve(workspace: Workspace, mountpoint: string, options: MountOptions): Promise<Report> {
  const daemon = new Daemon(workspace, {
    mountpoint,
    environment: options.env,
    engine: options.engine,
    allowOther: options.allowOther === true,
    fullBlocks: options.du === 'full',
    threads: options.threads === undefined ? undefined : Number(options.threads),
  });
  const stop = () => void daemon.stop(true).catch(() => process.exit(1));
  process.on('SIGTERM', stop).on('SIGINT', stop);
  try {
    await daemon.start();
  } catch (error) {
    tellFailure(error);
    throw error;
  }
  const { engine } = daemon.status();
  tellReadiness(engine);
  await daemon.ended;
  // fuse-native leaves a thread behind that would keep the process alive.
  setTimeout(() => process.exit(), 100).unref();
  return { data: { mountpoint, engine }, text: '' };
}

function checkThreads(text: string | undefined): void {
  if (text === undefined || /^([1-9]|[1-5][0-9]|6[0-4])$/.test(text)) return;
  throw new ShenvError('USAGE', `--threads takes a whole number from 1 to 64, not '${text}'`, {
    hint: 'Leave it out to get the measured default.',
  });
}

async function start(workspace: Workspace, mountpoint: string, options: MountOptions): Promise<Report> {
  const { runtime } = workspace.places;
  await prepareRuntime(runtime);
  const { log } = runtimeFiles(runtime, mountpoint);
  const { engine, pid } = await startInBackground(
    ['mount', mountpoint, '--foreground', ...passedOn(options)],
    log,
  );
  if ((await probeMount(mountpoint)) !== 'answers') {
    throw new ShenvError('MOUNT_FAILED', `The mount at ${mountpoint} does not answer`, {
      hint: `See ${log}.`,
    });
  }
  const { env: environment } = options;
  const text =
    environment === undefined
      ? `Mounted at ${mountpoint} (engine ${engine}); environments are its folders`
      : `Mounted '${environment}' at ${mountpoint} (engine ${engine})`;
  return { data: { mountpoint, ...(environment === undefined ? {} : { environment }), engine, pid }, text };
}

function passedOn(options: MountOptions): string[] {
  return [
    `--engine=${options.engine}`,
    `--du=${options.du}`,
    ...(options.env === undefined ? [] : [`--env=${options.env}`]),
    ...(options.allowOther ? ['--allow-other'] : []),
    ...(options.threads === undefined ? [] : [`--threads=${options.threads}`]),
  ];
}

export async function unmount(
  workspace: Workspace,
  path: string | undefined,
  options: { lazy?: boolean },
): Promise<Report> {
  const mountpoint = await canonicalMountpoint(path ?? workspace.places.mountpoint);
  const { runtime } = workspace.places;
  const lazy = options.lazy === true;
  const record = (await listRecords(runtime)).find((candidate) => candidate.mountpoint === mountpoint);
  if (!(await mountAt(mountpoint))) {
    if (record && !isAlive(record.pid)) await removeRecord(runtime, mountpoint);
    throw new ShenvError('NOT_MOUNTED', `Nothing is mounted at ${mountpoint}`, {
      hint: '`shenv-fs status` lists running mounts.',
    });
  }
  if (record && isAlive(record.pid)) await askDaemon(runtime, mountpoint, { operation: 'stop', lazy });
  else await unmountPath(mountpoint, lazy);
  await removeRecord(runtime, mountpoint);
  return { data: { mountpoint }, text: `Unmounted ${mountpoint}` };
}

export async function status(workspace: Workspace, path: string | undefined): Promise<Report> {
  const { runtime } = workspace.places;
  const wanted = path === undefined ? undefined : await canonicalMountpoint(path);
  const data: (DaemonStatus | DeadMount)[] = [];
  for (const { mountpoint, pid, environment } of await listRecords(runtime)) {
    if (wanted !== undefined && mountpoint !== wanted) continue;
    if (!isAlive(pid))
      data.push({ mountpoint, ...(environment === undefined ? {} : { environment }), dead: true });
    else data.push((await askDaemon(runtime, mountpoint, { operation: 'status' })) as DaemonStatus);
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

/** A mount whose daemon left its record behind. */
interface DeadMount {
  mountpoint: string;
  environment?: string;
  dead: true;
}

function describeMount(mount: DaemonStatus | DeadMount): string {
  const { mountpoint, environment } = mount;
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
    `  ${shown}, ${mount.viewsLoaded} composed, ${formatBytes(mount.memoryBytes)} of memory`,
    ...describeService(mount.details),
    ...Object.entries(mount.failures).map(([name, reason]) => `  cannot show ${name}: ${reason}`),
    formatTable(['  REQUEST', 'COUNT'], rows),
  ].join('\n');
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
