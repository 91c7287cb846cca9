import { randomBytes } from 'node:crypto';
import { chmod, readdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFull, isRefusal, naming, systemErrorCode, unless } from '../base/errors.js';
import {
  isRunning,
  isSameProcess,
  mayRun,
  type ProcessIdentity,
  thisProcess,
} from '../base/process-identity.js';
import { readRegular } from '../base/trust.js';
import type { ImageName, StoreLayout } from './layout.js';
import { fileMode, makeFolder } from './modes.js';

/**
 * `operation`: looks images up and will refer to some of them. `mount`: shows `images`. `collection`: a gc, which
 * owns the folder of condemned images that is named after its lease.
 */
export type LeaseKind = 'operation' | 'mount' | 'collection';

export interface Lease extends ProcessIdentity {
  kind: LeaseKind;
  /** For people: the command or the mount point. */
  what: string;
  startedMs: number;
  images: ImageName[];
  /** Of a mount: its supervisor. While one of both processes runs, the lease counts. */
  keeper?: ProcessIdentity;
}

export interface FoundLease extends Lease {
  id: string;
  isAlive: boolean;
}

const suffix = '.lease';
const stagedSuffix = '.new';
/** A lease that is being written and cannot be read is somebody's for as long. */
const writingMs = 3_600_000;
const heartbeatMs = 5 * 60_000;

/**
 * One lease of this process: a file from `take` to `end`. Nothing syncs it: a lease has no meaning after a crash
 * of its host. A timer touches it every five minutes.
 */
export class HeldLease {
  readonly id: string;
  readonly #folder: string;
  readonly #lease: Lease;
  readonly #timer: NodeJS.Timeout;

  private constructor(folder: string, lease: Lease, id = newId(lease)) {
    this.id = id;
    this.#folder = folder;
    this.#lease = lease;
    this.#timer = setInterval(() => void this.#touch(), heartbeatMs);
    this.#timer.unref();
  }

  /** Undefined where the store cannot be written: its images are then kept by roots and the grace period alone. */
  static async take(
    layout: StoreLayout,
    kind: LeaseKind,
    what: string,
    keeper?: ProcessIdentity,
  ): Promise<HeldLease | undefined> {
    const { leases } = layout;
    const lease: Lease = { ...thisProcess(), kind, what, startedMs: Date.now(), images: [] };
    if (keeper) lease.keeper = keeper;
    const held = new HeldLease(leases, lease);
    try {
      await makeFolder(layout, leases);
      await held.#write().catch((error: unknown) => held.#writeNothing(error));
      return held;
    } catch (error) {
      clearInterval(held.#timer);
      if (isRefusal(error)) return undefined;
      throw error;
    }
  }

  /** The lease of `what` that another process under the same keeper had taken; this process's from now on. */
  static async adopt(
    layout: StoreLayout,
    what: string,
    keeper: ProcessIdentity,
  ): Promise<HeldLease | undefined> {
    const { leases } = layout;
    for (const file of (await unless('ENOENT', readdir(leases))) ?? []) {
      if (!file.startsWith('mount-') || !file.endsWith(suffix)) continue;
      const lease = parseLease((await unless('ENOENT', readRegular(join(leases, file))))?.toString() ?? '');
      if (lease?.what !== what || !lease.keeper || !isSameProcess(lease.keeper, keeper)) continue;
      const held = new HeldLease(leases, { ...lease, ...thisProcess() }, file.slice(0, -suffix.length));
      await held.#touch();
      return held;
    }
    return undefined;
  }

  /** What the lease tells that a mount shows. */
  get images(): readonly ImageName[] {
    return this.#lease.images;
  }

  /** Says what a mount shows from now on. */
  async show(images: readonly ImageName[]): Promise<void> {
    this.#lease.images = [...images];
    await this.#write();
  }

  /** When it was written last, on the file system's clock, in milliseconds since 1970. */
  async takenMs(): Promise<number> {
    return (await stat(this.#path)).mtimeMs;
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await unless('ENOENT', unlink(this.#path));
  }

  get #path(): string {
    return join(this.#folder, `${this.id}${suffix}`);
  }

  async #write(): Promise<void> {
    const next = `${this.#path}${stagedSuffix}`;
    try {
      await writeFile(next, JSON.stringify(this.#lease));
      await chmod(next, fileMode);
      await rename(next, this.#path);
    } catch (error) {
      await unlink(next).catch(() => undefined);
      throw naming(next, error);
    }
  }

  /** A full file system has room for a name at least: deleting and collecting, which make room, go on. */
  async #writeNothing(cause: unknown): Promise<void> {
    if (!isFull(cause) || this.#lease.kind === 'mount') throw cause;
    await writeFile(this.#path, '', { mode: 0o644 });
  }

  /** Written anew, so that its time is the file system's: what another host has taken for dead is there again, too. */
  async #touch(): Promise<void> {
    await this.#write().catch(() => undefined);
  }
}

function newId({ kind, pid }: Lease): string {
  return `${kind}-${pid}-${randomBytes(8).toString('hex')}`;
}

/** Whether it is of a command that looks images up now. */
export function isRunningOperation({ kind, isAlive }: FoundLease): boolean {
  return kind === 'operation' && isAlive;
}

/** The leases of a store. `nowMs` is the file system's clock; one that cannot be read counts while it is fresh. */
export async function listLeases({ leases }: StoreLayout, nowMs: number): Promise<FoundLease[]> {
  const found: FoundLease[] = [];
  for (const file of (await unless('ENOENT', readdir(leases))) ?? []) {
    if (!file.endsWith(suffix)) continue;
    const path = join(leases, file);
    const status = await unless('ENOENT', stat(path));
    const text = await unless('ENOENT', readRegular(path));
    if (!status || text === undefined) continue;
    const lease = parseLease(text.toString());
    const silentMs = nowMs - status.mtimeMs;
    const isAlive = mayRun(lease, silentMs) || (lease?.keeper && mayRun(lease.keeper, silentMs)) === true;
    found.push({
      ...(lease ?? unknownLease(file, status.mtimeMs)),
      id: file.slice(0, -suffix.length),
      isAlive,
    });
  }
  return found;
}

/**
 * Removes the leases of processes that are gone, and what they had not put in place yet; those of other users stay
 * where the folder is sticky. `nowMs` is the file system's clock.
 */
export async function removeDeadLeases(
  { leases }: StoreLayout,
  found: readonly FoundLease[],
  nowMs: number,
): Promise<void> {
  const dead = found.filter(({ isAlive }) => !isAlive).map(({ id }) => `${id}${suffix}`);
  const staged = await listDeadStaged(leases, nowMs);
  for (const file of [...dead, ...staged]) await unlink(join(leases, file)).catch(ignoreOthers);
}

async function listDeadStaged(folder: string, nowMs: number): Promise<string[]> {
  const dead: string[] = [];
  for (const file of (await unless('ENOENT', readdir(folder))) ?? []) {
    if (!file.endsWith(stagedSuffix)) continue;
    const status = await unless('ENOENT', stat(join(folder, file)));
    const text = await unless('ENOENT', readRegular(join(folder, file)));
    const lease = text && parseLease(text.toString());
    const isAlive = lease && isRunning(lease);
    if (status && !(isAlive ?? nowMs - status.mtimeMs < writingMs)) dead.push(file);
  }
  return dead;
}

function ignoreOthers(error: unknown): void {
  if (systemErrorCode(error) !== 'ENOENT' && !isRefusal(error)) throw error;
}

function parseLease(text: string): Lease | undefined {
  try {
    const lease = JSON.parse(text) as Partial<Lease>;
    const isWhole = typeof lease.pid === 'number' && typeof lease.system === 'string';
    return isWhole && Array.isArray(lease.images) ? (lease as Lease) : undefined;
  } catch {
    return undefined;
  }
}

/** It may be anybody's, so it is taken for a running operation, which shows nothing and is waited for, or for a gc. */
function unknownLease(file: string, startedMs: number): Lease {
  const process = { host: 'unknown', system: '', pid: 0, startTicks: 0 };
  const kind = file.startsWith('collection-') ? 'collection' : 'operation';
  return { ...process, kind, what: 'an unreadable lease', startedMs, images: [] };
}
