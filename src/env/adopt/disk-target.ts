import {
  lstatSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../../base/atomic-write.js';
import { systemErrorCode } from '../../base/errors.js';
import { attributesOf, locate } from '../../view/locate.js';
import type { View } from '../../view/tree.js';
import type { AdoptionTarget } from './target.js';
import { whiteoutPrefix } from './upper-tree.js';

/** Sets the modification time of a folder, exact to a nanosecond where the caller can. */
export type SetTime = (path: string, mtimeNs: bigint) => void;

/** An upper layer that no process serves; its caller holds the lock. */
export class DiskTarget implements AdoptionTarget {
  readonly root: string;
  readonly #orphans: string;
  readonly #lower: View;
  readonly #setTime: SetTime;
  /** Folders that were changed since the last sync, with the times that they have kept. */
  readonly #touched = new Map<string, bigint>();

  /** `folder` is the upper layer, `lower` what lies under it. */
  constructor(folder: string, lower: View, setTime: SetTime = setTimeRoughly) {
    this.root = join(folder, 'tree');
    this.#orphans = join(folder, 'orphans');
    this.#lower = lower;
    this.#setTime = setTime;
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  hide(path: string): void {
    this.#copyUpFolder(folderOf(path));
    this.#keepingTime(path, (target) => {
      writeFileSync(whiteoutOf(target), '', { mode: 0o644 });
    });
  }

  reveal(path: string): void {
    this.#keepingTime(path, (target) => ignoring('ENOENT', () => unlinkSync(whiteoutOf(target))));
  }

  drop(path: string, stamp: string): boolean {
    return this.#keepingTime(path, (target) => {
      const status = lstatSync(target, { bigint: true, throwIfNoEntry: false });
      if (!status) return false;
      const { ino, size, mtimeNs, ctimeNs, nlink } = status;
      if (`${ino} ${size} ${mtimeNs} ${ctimeNs}` !== stamp) return false;
      // No process has it open through a mount; who has it open here keeps it.
      if (nlink > 1n) unlinkSync(target);
      else renameSync(target, join(this.#orphans, ino.toString(16)));
      return true;
    });
  }

  dropFolder(path: string, mtimeNs: bigint): boolean {
    return this.#keepingTime(path, (target) => {
      const status = lstatSync(target, { bigint: true, throwIfNoEntry: false });
      if (!status?.isDirectory() || !isSameTime(status.mtimeNs, mtimeNs)) return false;
      return !ignoring('ENOTEMPTY', () => rmdirSync(target));
    });
  }

  async sync(): Promise<void> {
    for (const folder of this.#touched.keys()) {
      const isThere = statSync(folder, { throwIfNoEntry: false });
      if (isThere) await syncFolder(folder);
    }
    this.#touched.clear();
    // Nothing is mounted: nobody has any of them open.
    await rm(this.#orphans, { recursive: true, force: true });
    await mkdir(this.#orphans, { mode: 0o700 });
  }

  #keepingTime<T>(path: string, work: (target: string) => T): T {
    const target = join(this.root, path);
    const folder = dirname(target);
    const mtimeNs = this.#touched.get(folder) ?? lstatSync(folder, { bigint: true }).mtimeNs;
    this.#touched.set(folder, mtimeNs);
    try {
      return work(target);
    } finally {
      this.#setTime(folder, mtimeNs);
    }
  }

  /** As the lower tree has it: docs/writable.md, "On disk". */
  #copyUpFolder(path: string): void {
    if (path === '' || lstatSync(join(this.root, path), { throwIfNoEntry: false })) return;
    this.#copyUpFolder(folderOf(path));
    const entry = locate(this.#lower, path);
    if (!entry) throw new Error(`${path} is in neither tree`);
    const { mode, mtimeNs } = attributesOf(this.#lower, entry);
    this.#keepingTime(path, (target) => {
      mkdirSync(target, { mode: mode & 0o777 });
      this.#setTime(target, this.#timeOf(entry) ?? mtimeNs);
    });
  }

  #timeOf(entry: NonNullable<ReturnType<typeof locate>>): bigint | undefined {
    return entry.kind === 'graft' ? this.#lower.layers[entry.layer]!.times?.get(entry.node) : undefined;
  }
}

function whiteoutOf(target: string): string {
  return join(dirname(target), `${whiteoutPrefix}${target.slice(target.lastIndexOf('/') + 1)}`);
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

/** True when it failed with `code`. */
function ignoring(code: string, work: () => void): boolean {
  try {
    work();
    return false;
  } catch (error) {
    if (systemErrorCode(error) === code) return true;
    throw error;
  }
}

/** Without utimensat(2) of nanoseconds a time that was set back is off by less than this. */
const roughNs = 2000n;

function isSameTime(a: bigint, b: bigint): boolean {
  const difference = a > b ? a - b : b - a;
  return difference <= roughNs;
}

/** The runtime's own call takes seconds as a double: exact to about a quarter of a microsecond. */
function setTimeRoughly(path: string, mtimeNs: bigint): void {
  const seconds = Number(mtimeNs) / 1e9;
  utimesSync(path, seconds, seconds);
}
