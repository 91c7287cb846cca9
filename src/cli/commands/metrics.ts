import { resolve } from 'node:path';
import { replaceFile } from '../../base/atomic-write.js';
import { ShenvError } from '../../base/errors.js';
import type { Places } from '../../base/paths.js';
import type { DaemonStatus } from '../../mount/daemon-status.js';
import { type MeasuredMount, metricsOf } from '../../mount/metrics.js';
import { askDaemon, listRecords } from '../../mount/runtime.js';
import type { Surroundings } from '../grammar/shared.js';
import type { Report } from '../render.js';
import { chooseMount } from './chosen-mount.js';

export interface MetricsOptions {
  all?: boolean;
  output?: string;
}

/** What a collector that runs as another user can read. */
const outputMode = 0o644;

/**
 * Throws NOT_MOUNTED for a mount without a record, and DAEMON_UNREACHABLE; with `all` a daemon that does not answer
 * is told as not up.
 */
export async function metrics(
  { places }: Surroundings,
  path: string | undefined,
  { all = false, output }: MetricsOptions,
): Promise<Report> {
  if (all && path !== undefined)
    throw new ShenvError('USAGE', '--all and a mount point exclude each other', { hint: 'Leave one out.' });
  const mounts = all ? await measureAll(places) : [await measureOne(places, path)];
  const text = metricsOf(mounts);
  if (output === undefined) return { data: text, text };
  const file = resolve(output);
  await replaceFile(file, Buffer.from(text), outputMode);
  return { data: { file, mounts: mounts.length }, text: '' };
}

async function measureOne(places: Places, path: string | undefined): Promise<MeasuredMount> {
  const mountpoint = await chooseMount(places, path);
  const records = await listRecords(places.runtime);
  if (!records.some((record) => record.mountpoint === mountpoint)) {
    throw new ShenvError('NOT_MOUNTED', `No daemon of yours serves ${mountpoint}`, {
      hint: 'Start one with `shenv-fs mount`.',
    });
  }
  return { mountpoint, status: await ask(places, mountpoint) };
}

async function measureAll(places: Places): Promise<MeasuredMount[]> {
  const records = await listRecords(places.runtime);
  return Promise.all(
    records.map(async ({ mountpoint }) => {
      try {
        return { mountpoint, status: await ask(places, mountpoint) };
      } catch (error) {
        if (!(error instanceof ShenvError)) throw error;
        return { mountpoint, status: undefined };
      }
    }),
  );
}

async function ask({ runtime }: Places, mountpoint: string): Promise<DaemonStatus> {
  return (await askDaemon(runtime, mountpoint, { operation: 'status' })) as DaemonStatus;
}
