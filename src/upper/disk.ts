import { chmodSync, closeSync, constants, existsSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { ShenvError, systemErrorCode } from '../base/errors.js';
import type { FolderNode, UpperNode } from './nodes.js';
import type { UpperOptions } from './options.js';
import { loadSystemCalls, renameFlags, type SystemCalls } from './system-calls.js';

const oPath = 0o10000000;

/** Makes what is missing of an upper layer. Throws system errors. */
export function makeUpperFolder(folder: string): void {
  const tree = join(folder, 'tree');
  mkdirSync(join(folder, 'orphans'), { recursive: true, mode: 0o700 });
  // Whatever the umask is.
  if (mkdirSync(tree, { recursive: true }) !== undefined) chmodSync(tree, 0o755);
}

/**
 * The folder of an upper layer and where things are in it. Stays with the folder when that is renamed. It is locked, unless
 * it is frozen: then any number of processes shows it, and nothing in it is changed.
 */
export class Disk {
  readonly calls: SystemCalls;
  readonly #folderFd: number;
  /** Undefined where it is frozen. */
  readonly #lockFd: number | undefined;
  #folder: string;
  #temporary = 0;

  private constructor(calls: SystemCalls, folderFd: number, lockFd: number | undefined) {
    this.calls = calls;
    this.#folderFd = folderFd;
    this.#lockFd = lockFd;
    this.#folder = descriptorPath(folderFd);
  }

  /** Throws ENVIRONMENT_BUSY, ENGINE_UNAVAILABLE, system errors. */
  static async open({ folder, lockWaitMs = 0 }: Pick<UpperOptions, 'folder' | 'lockWaitMs'>): Promise<Disk> {
    const calls = loadSystemCalls();
    const folderFd = openSync(folder, oPath | constants.O_DIRECTORY);
    const opened = descriptorPath(folderFd);
    if (existsSync(`${opened}/frozen`)) return new Disk(calls, folderFd, undefined);
    let lockFd: number | undefined;
    try {
      lockFd = openLock(`${opened}/lock`, folder);
      await lock(calls, lockFd, folder, lockWaitMs);
      makeUpperFolder(opened);
      return new Disk(calls, folderFd, lockFd);
    } catch (error) {
      if (lockFd !== undefined) closeSync(lockFd);
      closeSync(folderFd);
      throw error;
    }
  }

  close(): void {
    if (this.#lockFd !== undefined) closeSync(this.#lockFd);
    closeSync(this.#folderFd);
    // The number may be another folder's soon: an operation that comes late must not find that.
    this.#folder = descriptorPath('closed');
  }

  /** As it was when it was opened. */
  get isFrozen(): boolean {
    return this.#lockFd === undefined;
  }

  get orphansPath(): string {
    return `${this.#folder}/orphans`;
  }

  orphanPath(inode: bigint): string {
    return `${this.orphansPath}/${inode.toString(16).padStart(16, '0')}`;
  }

  /** A name in `orphans/` that no orphan has. */
  temporaryPath(): string {
    this.#temporary += 1;
    return `${this.orphansPath}/new-${this.#temporary}`;
  }

  folderPath(folder: FolderNode): string {
    let path = '';
    for (let at: FolderNode = folder; at.parent !== undefined; at = at.parent) path = `/${at.name}${path}`;
    return `${this.#folder}/tree${path}`;
  }

  pathIn(folder: FolderNode, name: string): string {
    return `${this.folderPath(folder)}/${name}`;
  }

  pathOf(node: UpperNode): string {
    if (node.kind === 'folder') return this.folderPath(node);
    const [place] = node.places;
    return place === undefined ? this.orphanPath(node.inode) : this.pathIn(place.folder, place.name);
  }

  /** rename(2) to a name that nothing has; EEXIST where the disk can tell (NFS cannot: EINVAL) and something has it. */
  renameNew(from: string, to: string): void {
    try {
      this.calls.renameAt(from, to, renameFlags.noReplace);
    } catch (error) {
      if (systemErrorCode(error) !== 'EINVAL') throw error;
      this.calls.renameAt(from, to, 0);
    }
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

function descriptorPath(fd: number | 'closed'): string {
  return `/proc/self/fd/${fd}`;
}

function openLock(path: string, folder: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch (error) {
    if (systemErrorCode(error) !== 'EROFS') throw error;
    throw new ShenvError(
      'ENVIRONMENT_BUSY',
      `The environment of '${folder}' is writable, but not from here: the file system is read-only`,
      { hint: 'Run `shenv-fs seal` where it can be written: then all can show it.', path: folder },
    );
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
      hint: 'Unmount it there, seal it there (then all can show it), or wait until the other command has ended; `shenv-fs status` says where it is shown.',
      path: folder,
    },
  );
}
