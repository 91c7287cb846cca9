import { setTimeout } from 'node:timers/promises';
import { ShenvError } from '../../base/errors.js';
import { packageVersion } from '../../base/package-files.js';
import { ownUid } from '../../base/trust.js';
import type { DaemonStatus } from '../../mount/daemon-status.js';
import { isOurs, listMounts, type MountEntry, probeMount } from '../../mount/mountpoint.js';
import { askDaemon, type DaemonRecord, isServed, listRecords } from '../../mount/runtime.js';
import type { CheckContext, Findings } from '../finding.js';

const answerTimeoutMs = 5_000;

/** This user's mounts: those that daemons have left a record of, and those that are in the table without one. */
export async function checkMounts({ places: { runtime }, findings }: CheckContext): Promise<void> {
  const mounts = (await listMounts()).filter((mount) => isOurs(mount) && isOwn(mount));
  const records = await listRecords(runtime);
  await Promise.all(
    records.map((record) => {
      const isThere = mounts.some(({ mountpoint }) => mountpoint === record.mountpoint);
      return checkRecorded(record, { runtime, isThere, findings });
    }),
  );
  const known = new Set(records.map(({ mountpoint }) => mountpoint));
  const others = new Set(mounts.map(({ mountpoint }) => mountpoint).filter((path) => !known.has(path)));
  await Promise.all([...others].map((mountpoint) => checkUnrecorded(mountpoint, findings)));
  if (records.length === 0 && others.size === 0) findings.ok('Nothing is mounted');
}

/** Another user's cannot be looked at from here. */
function isOwn({ uid }: MountEntry): boolean {
  return uid === ownUid();
}

async function checkUnrecorded(mountpoint: string, findings: Findings): Promise<void> {
  const state = await probeMount(mountpoint);
  const what = `${mountpoint} is mounted, and no daemon of this runtime folder serves it`;
  if (state === 'answers') return findings.ok(`${what}: it may have another SHENV_RUNTIME, and it answers`);
  findings.problem(
    state === 'dead' ? `${mountpoint} is mounted, and its daemon is gone` : `${mountpoint} does not answer`,
    `\`shenv-fs unmount --lazy ${mountpoint}\`, then mount again.`,
  );
}

interface Surroundings {
  runtime: string;
  isThere: boolean;
  findings: Findings;
}

async function checkRecorded(
  record: DaemonRecord,
  { runtime, isThere, findings }: Surroundings,
): Promise<void> {
  const { mountpoint, pid, environment } = record;
  const again = `\`shenv-fs mount ${environment === undefined ? '' : `--env ${environment} `}${mountpoint}\``;
  if (!isServed(record))
    return findings.problem(`The daemon of ${mountpoint} is gone`, `${again} cleans up and mounts.`);
  const status = await askInTime(runtime, mountpoint);
  if (status === undefined) {
    return findings.problem(
      `The daemon of ${mountpoint} (pid ${pid}) does not answer`,
      `See \`shenv-fs log ${mountpoint}\`; end it, and ${again}.`,
    );
  }
  if (!isThere) {
    return findings.problem(
      `The daemon of ${mountpoint} (pid ${pid}) runs, and its mount is not there`,
      `End the process, and ${again}.`,
    );
  }
  const state = await probeMount(mountpoint);
  if (state !== 'answers')
    return findings.problem(
      `The mount at ${mountpoint} does not answer`,
      `See \`shenv-fs log ${mountpoint}\`.`,
    );
  findings.ok(`${mountpoint} is mounted and answers (engine ${status.engine}, pid ${pid})`);
  tellHealth(status, again, findings);
}

function tellHealth(status: DaemonStatus, again: string, findings: Findings): void {
  const { mountpoint, version, supervision, failures, details } = status;
  const ours = packageVersion();
  if (version !== ours) {
    findings.advice(
      `${mountpoint} is served by version ${version ?? 'unknown'}, and this program is ${ours}`,
      supervision?.isWatching
        ? `\`shenv-fs restart ${mountpoint}\`, which nobody who uses it notices.`
        : `\`shenv-fs unmount ${mountpoint}\` and ${again}, when nobody uses it.`,
    );
  }
  if (supervision && !supervision.isWatching) {
    findings.advice(
      `The supervisor of ${mountpoint} has died: nobody would replace its server`,
      `\`shenv-fs unmount ${mountpoint}\` and ${again}, when nobody uses it.`,
    );
  }
  for (const [name, reason] of Object.entries(failures)) {
    findings.problem(
      `${mountpoint} cannot show ${name}: ${reason}`,
      '`shenv-fs store verify` finds damaged images, `shenv-fs store repair` rebuilds them.',
    );
  }
  if (typeof details.ioErrors === 'number' && details.ioErrors > 0) {
    findings.advice(
      `${mountpoint} had ${details.ioErrors} failed reads of images`,
      "See the system's log for the disk or its server, and `shenv-fs store verify`.",
    );
  }
}

/** Undefined where it does not answer. */
async function askInTime(runtime: string, mountpoint: string): Promise<DaemonStatus | undefined> {
  const abort = new AbortController();
  const asked = askDaemon(runtime, mountpoint, { operation: 'status' });
  try {
    const late = setTimeout(answerTimeoutMs, undefined, { signal: abort.signal }).catch(() => undefined);
    return (await Promise.race([asked, late])) as DaemonStatus | undefined;
  } catch (error) {
    if (error instanceof ShenvError) return undefined;
    throw error;
  } finally {
    abort.abort();
    asked.catch(() => undefined);
  }
}
