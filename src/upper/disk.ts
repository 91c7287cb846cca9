import { closeSync, constants, existsSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { ShenvError } from '../base/errors.js';
import type { FolderNode, UpperNode } from './nodes.js';
import { lockWaitMs, type UpperOptions } from './options.js';
import { loadSystemCalls, type SystemCalls } from './system-calls.js';

const oPath = 0o10000000;

/** Makes what an environment's upper layer consists of; what is there stays. Throws system errors. */
export function makeUpperFolder(folder: string): void {
  mkdirSync(join(folder, 'orphans'), { recursive: true });
  mkdirSync(join(folder, 'tree'), { recursive: true });
}

/** The folder of an upper layer, locked, and where things are in it. Stays with the folder when that is renamed. */
export class Disk {
  readonly calls: SystemCalls;
  readonly #folderFd: number;
  readonly #lockFd: number;
  readonly #tree: string;
  readonly #orphans: string;
  readonly #frozen: string;
  #temporary = 0;

  private constructor(calls: SystemCalls, folderFd: number, lockFd: number) {
    this.calls = calls;
    this.#folderFd = folderFd;
    this.#lockFd = lockFd;
    this.#tree = `/proc/self/fd/${folderFd}/tree`;
    this.#orphans = `/proc/self/fd/${folderFd}/orphans`;
    this.#frozen = `/proc/self/fd/${folderFd}/frozen`;
  }

  /** Throws ENVIRONMENT_BUSY, ENGINE_UNAVAILABLE, system errors. */
  static async open({ folder, isTakenOver }: Pick<UpperOptions, 'folder' | 'isTakenOver'>): Promise<Disk> {
    const calls = loadSystemCalls();
    const folderFd = openSync(folder, oPath | constants.O_DIRECTORY);
    let lockFd: number | undefined;
    try {
      lockFd = openSync(`/proc/self/fd/${folderFd}/lock`, constants.O_RDWR | constants.O_CREAT, 0o600);
      await lock(calls, lockFd, folder, isTakenOver ? lockWaitMs : 0);
      return new Disk(calls, folderFd, lockFd);
    } catch (error) {
      if (lockFd !== undefined) closeSync(lockFd);
      closeSync(folderFd);
      throw error;
    }
  }

  close(): void {
    closeSync(this.#lockFd);
    closeSync(this.#folderFd);
  }

  get orphansPath(): string {
    return this.#orphans;
  }

  get isFrozen(): boolean {
    return existsSync(this.#frozen);
  }

  orphanPath(inode: bigint): string {
    return `${this.#orphans}/${inode.toString(16).padStart(16, '0')}`;
  }

  /** A name in `orphans/` that no orphan has. */
  temporaryPath(): string {
    this.#temporary += 1;
    return `${this.#orphans}/new-${this.#temporary}`;
  }

  folderPath(folder: FolderNode): string {
    let path = '';
    for (let at: FolderNode = folder; at.parent !== undefined; at = at.parent) path = `/${at.name}${path}`;
    return this.#tree + path;
  }

  pathIn(folder: FolderNode, name: string): string {
    return `${this.folderPath(folder)}/${name}`;
  }

  pathOf(node: UpperNode): string {
    if (node.kind === 'folder') return this.folderPath(node);
    const [place] = node.places;
    return place === undefined ? this.orphanPath(node.inode) : this.pathIn(place.folder, place.name);
  }

  /** What `operation` does in a folder is preparation, which its modification time does not tell of. */
  keepingTime<T>(folder: FolderNode, operation: () => T): T {
    const path = this.folderPath(folder);
    const { mtimeNs } = lstatSync(path, { bigint: true });
    try {
      return operation();
    } finally {
      this.calls.setTimes(path, 'omit', mtimeNs);
    }
  }
}

async function lock(calls: SystemCalls, fd: number, folder: string, waitMs: number): Promise<void> {
  const endMs = Date.now() + waitMs;
  while (!calls.lockFile(fd)) {
    if (Date.now() >= endMs) throw busy(folder);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function busy(folder: string): ShenvError {
  return new ShenvError(
    'ENVIRONMENT_BUSY',
    `Another process shows or changes the environment of '${folder}'`,
    {
      hint: 'Unmount it there, or wait until the other command has ended; `shenv-fs status` says where it is shown.',
      path: folder,
    },
  );
}
