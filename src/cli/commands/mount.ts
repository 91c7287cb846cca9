import { spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, ShenvError } from '../../base/errors.js';
import type { Workspace } from '../../env/workspace.js';
import { Daemon, type DaemonStatus } from '../../mount/daemon.js';
import type { EngineName } from '../../mount/engine.js';
import { canonicalMountpoint, mountAt, probeMount, unmountPath } from '../../mount/mountpoint.js';
import {
  askDaemon,
  isAlive,
  listRecords,
  prepareRuntime,
  removeRecord,
  runtimeFiles,
} from '../../mount/runtime.js';
import { formatBytes, formatTable, type Report } from '../render.js';

export interface MountOptions {
  engine: EngineName | 'auto';
  foreground?: boolean;
  allowOther?: boolean;
  threads?: string;
  du: 'shared' | 'full';
}

/** What the process in the background tells the command that started it: one line on descriptor 3. */
type Readiness =
  | { engine: string }
  | { error: { code: ErrorCode; message: string; hint: string | undefined } };

const readyTimeoutMs = 60_000;
const readyDescriptor = 3;
const readyVariable = 'SHENV_READY_DESCRIPTOR';

export async function mount(
  workspace: Workspace,
  path: string | undefined,
  options: MountOptions,
): Promise<Report> {
  const mountpoint = await canonicalMountpoint(path ?? workspace.places.mountpoint);
  checkThreads(options.threads);
  return options.foreground ? serve(workspace, mountpoint, options) : start(workspace, mountpoint, options);
}

async function serve(workspace: Workspace, mountpoint: string, options: MountOptions): Promise<Report> {
  const daemon = new Daemon(workspace, {
    mountpoint,
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
    tellReadiness({ error: describe(error) });
    throw error;
  }
  const { engine } = daemon.status();
  tellReadiness({ engine });
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

function describe(error: unknown): { code: ErrorCode; message: string; hint: string | undefined } {
  if (error instanceof ShenvError) return { code: error.code, message: error.message, hint: error.hint };
  return { code: 'MOUNT_FAILED', message: String(error), hint: undefined };
}

function tellReadiness(readiness: Readiness): void {
  if (process.env[readyVariable] !== String(readyDescriptor)) return;
  writeSync(readyDescriptor, `${JSON.stringify(readiness)}\n`);
  closeSync(readyDescriptor);
}

async function start(workspace: Workspace, mountpoint: string, options: MountOptions): Promise<Report> {
  const { runtime } = workspace.places;
  await prepareRuntime(runtime);
  const log = await open(runtimeFiles(runtime, mountpoint).log, 'a', 0o600);
  const program = fileURLToPath(new URL('../main.js', import.meta.url));
  const child = spawn(
    process.execPath,
    [program, 'mount', mountpoint, '--foreground', ...passedOn(options)],
    {
      detached: true,
      cwd: '/',
      stdio: ['ignore', log.fd, log.fd, 'pipe'],
      env: { ...process.env, [readyVariable]: String(readyDescriptor) },
    },
  );
  await log.close();
  const readiness = await waitForReadiness(child.stdio[readyDescriptor] as NodeJS.ReadableStream, child.pid);
  child.unref();
  if ('error' in readiness) {
    const { code, message, hint } = readiness.error;
    throw new ShenvError(code, message, hint === undefined ? {} : { hint });
  }
  if ((await probeMount(mountpoint)) !== 'answers') {
    throw new ShenvError('MOUNT_FAILED', `The mount at ${mountpoint} does not answer`, {
      hint: `See ${runtimeFiles(runtime, mountpoint).log}.`,
    });
  }
  const text = `Mounted at ${mountpoint} (engine ${readiness.engine}); environments are its folders`;
  return { data: { mountpoint, engine: readiness.engine, pid: child.pid }, text };
}

function passedOn(options: MountOptions): string[] {
  return [
    `--engine=${options.engine}`,
    `--du=${options.du}`,
    ...(options.allowOther ? ['--allow-other'] : []),
    ...(options.threads === undefined ? [] : [`--threads=${options.threads}`]),
  ];
}

function waitForReadiness(stream: NodeJS.ReadableStream, pid: number | undefined): Promise<Readiness> {
  return new Promise((resolve, reject) => {
    let received = '';
    const failed = (reason: string) =>
      new ShenvError('MOUNT_FAILED', `The process in the background ${reason}`, {
        hint: 'Run the command with --foreground to see why.',
      });
    const timer = setTimeout(() => {
      if (pid !== undefined) process.kill(pid, 'SIGTERM');
      reject(failed(`was not ready within ${readyTimeoutMs / 1000} s`));
    }, readyTimeoutMs);
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      received += String(text);
    });
    stream.on('close', () => {
      clearTimeout(timer);
      if (received.endsWith('\n')) resolve(JSON.parse(received) as Readiness);
      else reject(failed('ended before the mount was ready'));
    });
  });
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
  const data: (DaemonStatus | { mountpoint: string; dead: true })[] = [];
  for (const { mountpoint, pid } of await listRecords(runtime)) {
    if (wanted !== undefined && mountpoint !== wanted) continue;
    if (!isAlive(pid)) data.push({ mountpoint, dead: true });
    else data.push((await askDaemon(runtime, mountpoint, { operation: 'status' })) as DaemonStatus);
  }
  if (wanted !== undefined && data.length === 0) {
    throw new ShenvError('NOT_MOUNTED', `No daemon of yours serves ${wanted}`, {
      hint: 'Start one with `shenv-fs mount`.',
    });
  }
  return { data, text: data.length === 0 ? 'Nothing is mounted.' : data.map(describeMount).join('\n\n') };
}

function describeMount(mount: DaemonStatus | { mountpoint: string; dead: true }): string {
  if ('dead' in mount)
    return `${mount.mountpoint}: its daemon is gone; run \`shenv-fs mount ${mount.mountpoint}\``;
  const rows = Object.entries(mount.requests)
    .sort(([, a], [, b]) => b - a)
    .map(([operation, count]) => [`  ${operation}`, String(count)]);
  return [
    `${mount.mountpoint}: engine ${mount.engine} (${mount.engineReason}), pid ${mount.pid}, up ${mount.uptimeSeconds} s`,
    `  ${mount.environments} environments, ${mount.viewsLoaded} composed, ${formatBytes(mount.memoryBytes)} of memory`,
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
