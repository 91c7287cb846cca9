import { randomBytes } from 'node:crypto';
import { chmod, readdir, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRefusal, systemErrorCode, unless } from '../base/errors.js';
import { isRunning, type ProcessIdentity, thisProcess } from '../base/process-identity.js';
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
}

export interface FoundLease extends Lease {
  id: string;
  isAlive: boolean;
}

const suffix = '.lease';
const heartbeatMs = 5 * 60_000;
/** How long a process of another host is believed to run after its last sign of life. */
const believedMs = 24 * 3_600_000;

/**
 * One lease of this process: a file from `take` to `end`. Nothing syncs it: a lease has no meaning after a crash
 * of its host. A timer touches it every five minutes.
 */
export class HeldLease {
  readonly id: string;
  readonly #folder: string;
  readonly #lease: Lease;
  readonly #timer: NodeJS.Timeout;

  private constructor(folder: string, lease: Lease) {
    this.id = `${lease.kind}-${lease.pid}-${randomBytes(8).toString('hex')}`;
    this.#folder = folder;
    this.#lease = lease;
    this.#timer = setInterval(() => void this.#touch(), heartbeatMs);
    this.#timer.unref();
  }

  /** Undefined where the store cannot be written: its images are then kept by roots and the grace period alone. */
  static async take(layout: StoreLayout, kind: LeaseKind, what: string): Promise<HeldLease | undefined> {
    const { leases } = layout;
    const lease = { ...thisProcess(), kind, what, startedMs: Date.now(), images: [] };
    const held = new HeldLease(leases, lease);
    try {
      await makeFolder(layout, leases);
      await held.#write();
      return held;
    } catch (error) {
      clearInterval(held.#timer);
      if (isRefusal(error)) return undefined;
      throw error;
    }
  }

  /** Says what a mount shows from now on. */
  async show(images: readonly ImageName[]): Promise<void> {
    this.#lease.images = [...images];
    await this.#write();
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await unless('ENOENT', unlink(this.#path));
  }

  get #path(): string {
    return join(this.#folder, `${this.id}${suffix}`);
  }

  async #write(): Promise<void> {
    const next = `${this.#path}.new`;
    await writeFile(next, JSON.stringify(this.#lease));
    await chmod(next, fileMode);
    await rename(next, this.#path);
  }

  /** What another host has taken for dead (this one was asleep for a day) is written anew. */
  async #touch(): Promise<void> {
    const now = new Date();
    const touched = utimes(this.#path, now, now).catch(() => this.#write());
    await touched.catch(() => undefined);
  }
}

/** The leases of a store. `nowMs` is the file system's clock; one that cannot be read counts while it is fresh. */
export async function listLeases({ leases }: StoreLayout, nowMs: number): Promise<FoundLease[]> {
  const found: FoundLease[] = [];
  for (const file of (await unless('ENOENT', readdir(leases))) ?? []) {
    if (!file.endsWith(suffix)) continue;
    const path = join(leases, file);
    const status = await unless('ENOENT', stat(path));
    const text = await unless('ENOENT', readFile(path, 'utf8'));
    if (!status || text === undefined) continue;
    const lease = parseLease(text);
    const isAlive = (lease && isRunning(lease)) ?? nowMs - status.mtimeMs < believedMs;
    found.push({ ...(lease ?? unknownLease(status.mtimeMs)), id: file.slice(0, -suffix.length), isAlive });
  }
  return found;
}

/** Removes the leases of processes that are gone; those of other users stay where the folder is sticky. */
export async function removeDeadLeases({ leases }: StoreLayout, found: readonly FoundLease[]): Promise<void> {
  for (const { id, isAlive } of found) {
    if (!isAlive) await unlink(join(leases, `${id}${suffix}`)).catch(ignoreOthers);
  }
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

/** It may be anybody's, so it is taken for a running operation, which shows nothing and is waited for. */
function unknownLease(startedMs: number): Lease {
  const process = { host: 'unknown', system: '', pid: 0, startTicks: 0 };
  return { ...process, kind: 'operation', what: 'an unreadable lease', startedMs, images: [] };
}
