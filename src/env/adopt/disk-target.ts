import { chmodSync, lstatSync, mkdirSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { syncFolder } from '../../base/atomic-write.js';
import { systemErrorCode, unless } from '../../base/errors.js';
import { inodeAttribute } from '../../upper/numbers.js';
import { stampOf } from '../../upper/stamp.js';
import { loadSystemCalls } from '../../upper/system-calls.js';
import { attributesOf, locate } from '../../view/locate.js';
import type { Kept, View } from '../../view/tree.js';
import type { UpperFolder } from '../upper-folder.js';
import type { AdoptionTarget } from './target.js';
import { whiteoutPathOf } from './upper-tree.js';

/** An upper layer that no process serves; its caller holds the lock. Throws ENGINE_UNAVAILABLE. */
export class DiskTarget implements AdoptionTarget {
  readonly root: string;
  readonly #upper: UpperFolder;
  readonly #lower: View;
  readonly #calls = loadSystemCalls();
  /** Folders that were changed since the last sync. */
  readonly #touched = new Set<string>();

  /** `lower` is what lies under it. */
  constructor(upper: UpperFolder, lower: View) {
    this.root = upper.tree;
    this.#upper = upper;
    this.#lower = lower;
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  hide(path: string): void {
    this.#copyUpFolder(folderOf(path));
    this.#keepingTime(path, (target) => writeFileSync(whiteoutPathOf(target), '', { mode: 0o600 }));
  }

  reveal(path: string): void {
    this.#keepingTime(path, (target) => ignoring('ENOENT', () => unlinkSync(whiteoutPathOf(target))));
  }

  giveBack(path: string, stamp: string): boolean {
    return this.#keepingTime(path, (target) => {
      const status = lstatSync(target, { bigint: true, throwIfNoEntry: false });
      if (!status) return false;
      const { ino, nlink } = status;
      if (stampOf(status) !== stamp || this.#hasAttributes(target)) return false;
      // Through a mount nobody has it open; the runtime has no unlink of tens of thousands that is as quick as one of a folder.
      if (nlink > 1n) unlinkSync(target);
      else renameSync(target, join(this.#upper.orphans, ino.toString(16)));
      return true;
    });
  }

  giveBackFolder(path: string, { mtimeNs, mode }: Required<Kept>): boolean {
    return this.#keepingTime(path, (target) => {
      const status = lstatSync(target, { bigint: true, throwIfNoEntry: false });
      if (!status?.isDirectory() || status.mtimeNs !== mtimeNs) return false;
      if ((Number(status.mode) & 0o7777) !== mode) return false;
      return !ignoring('ENOTEMPTY', () => rmdirSync(target));
    });
  }

  async sync(): Promise<void> {
    for (const folder of this.#touched) await unless('ENOENT', syncFolder(folder));
    this.#touched.clear();
    await this.#upper.removeOrphans();
  }

  #hasAttributes(target: string): boolean {
    const names = ignoringUnsupported(() => this.#calls.listXattr(target)) ?? [];
    return names.some((name) => name.startsWith('user.') && name !== inodeAttribute);
  }

  #keepingTime<T>(path: string, work: (target: string) => T): T {
    const target = join(this.root, path);
    const folder = dirname(target);
    const { mtimeNs } = lstatSync(folder, { bigint: true });
    this.#touched.add(folder);
    try {
      return work(target);
    } finally {
      this.#calls.setTimes(folder, 'omit', mtimeNs);
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
      mkdirSync(target, { mode: 0o700 });
      // Whatever the umask is.
      chmodSync(target, mode & 0o777);
      this.#calls.setTimes(target, 'omit', mtimeNs);
    });
  }
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

/** Undefined where the disk has no extended attributes. */
function ignoringUnsupported<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (['ENOTSUP', 'EOPNOTSUPP'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}
