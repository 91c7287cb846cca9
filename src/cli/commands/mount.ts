import { resolve } from 'node:path';
import { ShenvError } from '../../base/errors.js';
import { Logger, type LogLevel } from '../../base/log.js';
import type { Workspace } from '../../env/workspace.js';
import { Daemon } from '../../mount/daemon.js';
import type { DaemonStatus } from '../../mount/daemon-status.js';
import type { EngineName } from '../../mount/engine.js';
import { logFailure } from '../../mount/log-events.js';
import { logToFile, logToStderr } from '../../mount/log-file.js';
import { assertOwnMount, canonicalMountpoint, pathBeside, probeMount } from '../../mount/mountpoint.js';
import { loadNativeAddon } from '../../mount/native-addon.js';
import { askDaemon, isServed, listRecords, prepareRuntime, runtimeFiles } from '../../mount/runtime.js';
import { Supervision } from '../../mount/supervision.js';
import type { SupervisionStatus } from '../../mount/supervision-status.js';
import { parseCount, parseSize } from '../quantities.js';
import { formatBytes, type Report } from '../render.js';
import { formatTable } from '../table.js';
import { startInBackground, tellFailure, tellReadiness, withoutReadiness } from './background.js';
import { describeForeignMounts } from './foreign-mounts.js';
import { serverCommand } from './supervised.js';

export interface MountOptions {
  engine: EngineName | 'auto';
  readOnly?: boolean;
  foreground?: boolean;
  /** False: nobody starts another process when the one that serves dies. */
  supervise?: boolean;
  allowOther?: boolean;
  threads?: string;
  /** Seconds. */
  poll?: string;
  cache?: string;
  cacheSize?: string;
  du: 'shared' | 'full';
  logLevel?: LogLevel;
  /** The one environment to mount; undefined mounts all. */
  env?: string;
}

/** Where tools look for a project's environment. */
const projectMountpoint = '.venv';
const usualCacheSize = '20G';
const endGraceMs = 100;
/** For a mount that is taken back. */
const failedGraceMs = 2_000;

export async function mount(
  workspace: Workspace,
  path: string | undefined,
  options: MountOptions,
): Promise<Report> {
  const usual = options.env === undefined ? workspace.places.mountpoint : projectMountpoint;
  const mountpoint = await canonicalMountpoint(path ?? usual);
  checkThreads(options.threads);
  parseSize(options.cacheSize ?? usualCacheSize);
  if (options.poll !== undefined) parseCount('--poll', options.poll, 0);
  // Who unmounts, maybe when nobody serves any more, does not look for programs in the mount.
  const PATH = pathBeside([mountpoint, resolve(path ?? usual)]);
  if (!options.foreground) return start(workspace, mountpoint, { ...options, PATH });
  process.env.PATH = PATH;
  const supervision = Supervision.join();
  if (!supervision) becomeSupervisor(mountpoint, options);
  return serve(workspace, mountpoint, { ...options, supervision });
}

/** The supervisor takes the place of this process, and starts this program again; returns where there is none. */
function becomeSupervisor(mountpoint: string, options: MountOptions): void {
  const [program, ...args] = serverCommand(mountpoint, process.argv.slice(2), options);
  if (program === process.execPath) return;
  const variables = Object.entries(withoutReadiness()).map(([name, value]) => `${name}=${value}`);
  loadNativeAddon().becomeProgram(program!, [program!, ...args], variables);
}

async function serve(
  workspace: Workspace,
  mountpoint: string,
  options: MountOptions & { supervision: Supervision | undefined },
): Promise<Report> {
  const log = await openLog(workspace, mountpoint, options.logLevel);
  const daemon = new Daemon(workspace, {
    mountpoint,
    environment: options.env,
    engine: options.engine,
    isReadOnly: options.readOnly === true,
    allowOther: options.allowOther === true,
    fullBlocks: options.du === 'full',
    threads: options.threads === undefined ? undefined : Number(options.threads),
    cache:
      options.cache === undefined
        ? undefined
        : { folder: resolve(options.cache), limitBytes: parseSize(options.cacheSize ?? usualCacheSize) },
    pollMs: options.poll === undefined ? undefined : parseCount('--poll', options.poll, 0) * 1000,
    supervision: options.supervision,
    log,
  });
  const started = daemon.start();
  const unmount = () => daemon.stop(true).catch(() => process.exit(1));
  // Before it is mounted there is nothing to unmount, and what is at its place may be another's.
  const stop = () => void started.then(unmount).catch(() => undefined);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
  options.supervision?.watch(() =>
    log.warn('supervisor-lost', `The supervisor of ${mountpoint} has died; this process serves on alone`),
  );
  try {
    await started;
  } catch (error) {
    logFailure(log, 'start-failed', mountpoint, error);
    tellFailure(error);
    endSoon(failedGraceMs);
    throw error;
  }
  const { engine } = daemon.status();
  tellReadiness(engine);
  if ((await daemon.ended) === 'handed over') process.exit(0);
  endSoon(endGraceMs);
  return { data: { mountpoint, engine }, text: '' };
}

/** Also where something keeps the process alive, as the thread that fuse-native leaves behind. */
function endSoon(graceMs: number): void {
  setTimeout(() => process.exit(), graceMs).unref();
}

/** Into the file that `shenv-fs log` reads; in the foreground on stderr too. */
async function openLog({ places }: Workspace, mountpoint: string, level: LogLevel = 'info'): Promise<Logger> {
  await prepareRuntime(places.runtime);
  const { log } = runtimeFiles(places.runtime, mountpoint);
  return new Logger({ level, sinks: [logToFile(log), logToStderr(log)] });
}

function checkThreads(text: string | undefined): void {
  if (text === undefined || /^([1-9]|[1-5][0-9]|6[0-4])$/.test(text)) return;
  throw new ShenvError('USAGE', `--threads takes a whole number from 1 to 64, not '${text}'`, {
    hint: 'Leave it out to get the measured default.',
  });
}

async function start(
  workspace: Workspace,
  mountpoint: string,
  options: MountOptions & { PATH: string },
): Promise<Report> {
  const { runtime } = workspace.places;
  await prepareRuntime(runtime);
  const { log } = runtimeFiles(runtime, mountpoint);
  const { engine, pid } = await startInBackground(
    serverCommand(mountpoint, ['mount', mountpoint, '--foreground', ...passedOn(options)], options),
    { log, PATH: options.PATH },
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
    ...(options.logLevel === undefined ? [] : [`--log-level=${options.logLevel}`]),
    ...(options.env === undefined ? [] : [`--env=${options.env}`]),
    ...(options.readOnly ? ['--read-only'] : []),
    ...(options.allowOther ? ['--allow-other'] : []),
    ...(options.supervise === false ? ['--no-supervise'] : []),
    ...(options.threads === undefined ? [] : [`--threads=${options.threads}`]),
    ...(options.cache === undefined
      ? []
      : [`--cache=${resolve(options.cache)}`, `--cache-size=${options.cacheSize ?? usualCacheSize}`]),
    ...(options.poll === undefined ? [] : [`--poll=${options.poll}`]),
  ];
}

export async function status(workspace: Workspace, path: string | undefined): Promise<Report> {
  const { runtime } = workspace.places;
  const wanted = path === undefined ? undefined : await canonicalMountpoint(path);
  const data: (DaemonStatus | DeadMount)[] = [];
  for (const record of await listRecords(runtime)) {
    const { mountpoint, environment } = record;
    if (wanted !== undefined && mountpoint !== wanted) continue;
    if (!isServed(record))
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
