import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { replaceFile } from '../base/atomic-write.js';
import { ShenvError, unless } from '../base/errors.js';
import { isAlive, isRunning, type ProcessIdentity } from '../base/process-identity.js';

/** What a running daemon leaves in the runtime folder for other commands. */
export interface DaemonRecord {
  /** Of the process that serves, or that served last. */
  pid: number;
  /** Starts another serving process when that one dies; left out where nobody does. */
  supervisor?: ProcessIdentity;
  mountpoint: string;
  engine: string;
  home: string;
  store: string;
  upstreams?: string[];
  startedMs: number;
  /** The one environment that is mounted; left out where all are, as folders. */
  environment?: string;
}

/** Without an answer or a sign that the request is being worked on. */
const silenceTimeoutMs = 20_000;
const answerTimeoutMs = 600_000;
const noAnswerInTime = 'no answer in time';
/** So long a command waits for the process that takes over from one that died. */
const takeOverTimeoutMs = 30_000;
const takeOverPollMs = 50;
const retiringTries = 50;
const retiringPollMs = 20;
const idDigits = 16;

/** The files of the daemon for one mountpoint. */
export function runtimeFiles(
  runtime: string,
  mountpoint: string,
): { socket: string; record: string; log: string } {
  const id = idOf(mountpoint);
  return {
    socket: join(runtime, `${id}.sock`),
    record: join(runtime, `${id}.json`),
    log: join(runtime, `${id}.log`),
  };
}

/** The name that a control socket is made with; as long as its own, because the system limits the length of both. */
export function stagedSocket(socket: string): string {
  return `${socket.slice(0, -1)}~`;
}

function idOf(mountpoint: string): string {
  return createHash('sha256').update(mountpoint).digest('hex').slice(0, idDigits);
}

/** Makes the runtime folder, for this user alone. Throws STORE_UNUSABLE when it is another one's. */
export async function prepareRuntime(runtime: string): Promise<void> {
  await mkdir(runtime, { recursive: true, mode: 0o700 });
  assertOwn(runtime, await stat(runtime));
}

/** Somebody else's records would make this user run what he wrote. Throws STORE_UNUSABLE. */
function assertOwn(runtime: string, { uid, mode }: Stats): void {
  if (uid === process.getuid?.() && (mode & 0o022) === 0) return;
  throw new ShenvError(
    'STORE_UNUSABLE',
    `The runtime folder ${runtime} belongs to somebody else or is open to others`,
    {
      hint: 'Set XDG_RUNTIME_DIR or SHENV_RUNTIME to a folder of your own.',
      path: runtime,
    },
  );
}

export async function writeRecord(runtime: string, record: DaemonRecord): Promise<void> {
  await replaceFile(
    runtimeFiles(runtime, record.mountpoint).record,
    Buffer.from(JSON.stringify(record)),
    0o600,
  );
}

/** Also takes away the journals of processes that are gone. */
export async function removeRecord(runtime: string, mountpoint: string): Promise<void> {
  const { socket, record } = runtimeFiles(runtime, mountpoint);
  for (const path of [socket, stagedSocket(socket), record]) await unless('ENOENT', unlink(path));
  const prefix = `${idOf(mountpoint)}-`;
  for (const file of (await unless('ENOENT', readdir(runtime))) ?? []) {
    const pid = Number(/^-(\d+)\.shown(\.new)?$/.exec(file.slice(prefix.length - 1))?.[1]);
    if (file.startsWith(prefix) && !isAlive(pid)) await unless('ENOENT', unlink(join(runtime, file)));
  }
}

/** As `removeRecord`, for the daemon that this process is; where another one serves the place by now, nothing is its own. */
export async function removeOwnRecord(runtime: string, mountpoint: string): Promise<void> {
  const records = await listRecords(runtime).catch(() => []);
  const record = records.find((candidate) => candidate.mountpoint === mountpoint);
  if (!record || record.pid === process.pid || !isAlive(record.pid)) await removeRecord(runtime, mountpoint);
}

/** What a supervised daemon has shown, for its successor; a place may have several supervisors one after the other. */
export function journalFile(runtime: string, mountpoint: string, supervisor: ProcessIdentity): string {
  return join(runtime, `${idOf(mountpoint)}-${supervisor.pid}.shown`);
}

/** Whether a process serves the mount or will take it over in a moment. */
export function isServed({ pid, supervisor }: DaemonRecord): boolean {
  return isAlive(pid) || (supervisor !== undefined && isRunning(supervisor) !== false);
}

/** Daemons that left a record; some may be dead. Throws STORE_UNUSABLE when the folder is another user's. */
export async function listRecords(runtime: string): Promise<DaemonRecord[]> {
  const records: DaemonRecord[] = [];
  const status = await unless('ENOENT', stat(runtime));
  if (!status) return records;
  assertOwn(runtime, status);
  for (const file of await readdir(runtime)) {
    if (!file.endsWith('.json')) continue;
    const text = await unless('ENOENT', readFile(join(runtime, file), 'utf8'));
    if (text) records.push(JSON.parse(text) as DaemonRecord);
  }
  return records;
}

/**
 * The path at which an environment of `home` is to be seen through a daemon that lives: as a folder of a mount of
 * all, else where it is mounted alone. Undefined when it is mounted nowhere.
 */
export async function findMountOf(runtime: string, home: string, name: string): Promise<string | undefined> {
  return (await findServing(runtime, home, name))?.path;
}

/** As `findMountOf`, with the mountpoint of the daemon. */
export async function findServing(
  runtime: string,
  home: string,
  name: string,
): Promise<{ mountpoint: string; path: string } | undefined> {
  const records = (await listRecords(runtime)).filter((record) => record.home === home && isServed(record));
  const ofAll = records.find(({ environment }) => environment === undefined);
  if (ofAll) return { mountpoint: ofAll.mountpoint, path: join(ofAll.mountpoint, name) };
  const alone = records.find(({ environment }) => environment === name);
  return alone && { mountpoint: alone.mountpoint, path: alone.mountpoint };
}

export interface ControlRequest {
  operation: 'status' | 'reload' | 'stop' | 'restart' | 'adopt' | 'revert';
  lazy?: boolean;
  /** With `reload`: paths of images whose files were replaced. */
  images?: readonly string[];
  /** With `restart`: the program that is to take over, and its first arguments. */
  command?: readonly string[];
  /** With `adopt` and `revert`: the environment. */
  name?: string;
  /** With `adopt`: a file with the plan (env/adopt/plan.ts), which the asker removes. */
  plan?: string;
  /** With `revert`: what is taken back, relative to the environment's root; '' for all. */
  paths?: readonly string[];
}

/**
 * Asks the daemon of `mountpoint`: one line of JSON there, one back, before which spaces tell that it is at work. While
 * another process takes over from one that died, it waits and asks again. Throws DAEMON_UNREACHABLE.
 */
export async function askDaemon(
  runtime: string,
  mountpoint: string,
  request: ControlRequest,
): Promise<unknown> {
  let answer: string;
  try {
    answer = await exchangePatiently(runtime, mountpoint, `${JSON.stringify(request)}\n`);
  } catch (cause) {
    throw new ShenvError('DAEMON_UNREACHABLE', `The daemon of ${mountpoint} does not answer`, {
      hint: `Run \`shenv-fs unmount ${mountpoint}\` and mount again.`,
      path: mountpoint,
      cause,
    });
  }
  const reply = JSON.parse(answer) as {
    ok?: unknown;
    error?: { code: 'MOUNT_BUSY'; message: string; hint?: string };
  };
  if (reply.error)
    throw new ShenvError(reply.error.code, reply.error.message, { hint: reply.error.hint ?? '' });
  return reply.ok;
}

async function exchangePatiently(runtime: string, mountpoint: string, line: string): Promise<string> {
  const { socket } = runtimeFiles(runtime, mountpoint);
  const endMs = Date.now() + takeOverTimeoutMs;
  for (;;) {
    try {
      return await exchange(socket, line);
    } catch (error) {
      const isLost = error instanceof Error && error.message !== noAnswerInTime;
      if (!isLost || Date.now() > endMs || !(await isBeingReplaced(runtime, mountpoint))) throw error;
      await setTimeout(takeOverPollMs);
    }
  }
}

async function isBeingReplaced(runtime: string, mountpoint: string): Promise<boolean> {
  const record = (await listRecords(runtime)).find((candidate) => candidate.mountpoint === mountpoint);
  return record?.supervisor !== undefined && isRunning(record.supervisor) !== false;
}

async function exchange(socketPath: string, line: string): Promise<string> {
  // Loaded only where there is a daemon to talk to.
  const { connect } = await import('node:net');
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let received = '';
    const giveUp = () => socket.destroy(new Error(noAnswerInTime));
    socket.setTimeout(silenceTimeoutMs, giveUp);
    const deadline = globalThis.setTimeout(giveUp, answerTimeoutMs);
    socket.once('close', () => clearTimeout(deadline));
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(line));
    socket.on('data', (text) => {
      received += text;
    });
    socket.on('error', reject);
    socket.on('close', () => (received.endsWith('\n') ? resolve(received) : reject(new Error('no answer'))));
  });
}

/**
 * Tells every mount that shows environments of `home` to look again, and waits until each shows the
 * change. A daemon that is gone has nothing to show; its record is removed.
 * With `images`, images are read again, too.
 */
export async function reloadMounts(runtime: string, home: string): Promise<void> {
  await reload(runtime, (record) => record.home === home, { operation: 'reload' });
}

/** As `reloadMounts`, for every mount of images of `store`, some of which are gone; the files of `images` were replaced. */
export async function reloadImages(runtime: string, store: string, images: readonly string[]): Promise<void> {
  await reload(runtime, (record) => record.store === store, { operation: 'reload', images });
}

async function reload(
  runtime: string,
  isMeant: (record: DaemonRecord) => boolean,
  request: ControlRequest,
): Promise<void> {
  await Promise.all(
    (await listRecords(runtime)).filter(isMeant).map(async (record) => {
      const { mountpoint } = record;
      try {
        await askDaemon(runtime, mountpoint, request);
      } catch (error) {
        if (await hasRetired(runtime, record)) return;
        if (isServed(record)) throw error;
        await removeRecord(runtime, mountpoint);
      }
    }),
  );
}

/** A daemon that is being unmounted closes its socket just before its record goes: it shows nothing any more. */
async function hasRetired(runtime: string, { mountpoint, pid }: DaemonRecord): Promise<boolean> {
  for (let tries = 0; tries < retiringTries && isAlive(pid); tries += 1) {
    const records = await listRecords(runtime);
    if (!records.some((record) => record.mountpoint === mountpoint && record.pid === pid)) return true;
    await setTimeout(retiringPollMs);
  }
  return false;
}
