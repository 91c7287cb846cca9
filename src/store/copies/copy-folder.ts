import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import {
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { ShenvError, unless } from '../../base/errors.js';
import { thisBoot, thisProcess } from '../../base/process-identity.js';
import { ownUid } from '../../base/trust.js';
import type { FileStamp, Image } from '../../image/read.js';
import { stampOf } from '../../image/stamp.js';
import { claimedBytes, claimOf, hasOwnerEnded, takeClaim } from './copy-claims.js';
import { copySequentially, isSoundCopy } from './copy-image.js';

/** What makes a copy one that was compared with its digests: it is the same file in the same state since this boot. */
interface CopyRecord {
  /** After another one a disk may have lost what was written last. */
  boot: string;
  inode: number;
  sizeBytes: number;
  mtimeMs: number;
}

/** A copy as a daemon reads it. */
export interface Copy {
  path: string;
  stamp: FileStamp;
}

const suffix = '.img';
const recordSuffix = '.json';
const ownerName = 'process.json';
/** Between making its folder and saying in it who he is. */
const longestStartMs = 60_000;

type FileState = Pick<Stats, 'ino' | 'size' | 'mtimeMs'>;

/**
 * Copies of images on a disk of this host, shared by the daemons of one user. The name of a copy is the digest of the
 * image's header, which tells all of its bytes. A daemon that uses a copy has a name of its own for it (a hard link), so
 * that one that another daemon throws out stays readable until then. Layout: docs/cluster.md.
 */
export class CopyFolder {
  readonly #pool: string;
  readonly #users: string;
  readonly #own: string;
  readonly #limitBytes: number;

  private constructor(folder: string, limitBytes: number) {
    this.#pool = join(folder, 'v1', 'images');
    this.#users = join(folder, 'v1', 'users');
    this.#own = join(this.#users, `${process.pid}-${randomBytes(8).toString('hex')}`);
    this.#limitBytes = limitBytes;
  }

  /** Throws STORE_UNUSABLE for a folder of another user, or one that others may write. */
  static async open(folder: string, limitBytes: number): Promise<CopyFolder> {
    const opened = new CopyFolder(folder, limitBytes);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await assertOwn(folder);
    for (const path of [opened.#pool, opened.#own]) await mkdir(path, { recursive: true, mode: 0o700 });
    await writeFile(join(opened.#own, ownerName), JSON.stringify(thisProcess()), { mode: 0o600 });
    await opened.#removeDeadUsers();
    return opened;
  }

  /**
   * A copy that is there and sound; undefined where there is none. With `known` only one that needs no reading: it was
   * found sound since this host was started and is as it was then.
   */
  async find(image: Image, known = false): Promise<Copy | undefined> {
    const key = keyOf(image);
    const own = this.#ownOf(key);
    // First a name of its own: what is then looked at is what will be read, whatever other daemons do meanwhile.
    await rm(own, { force: true });
    const isTaken = await unless(
      'ENOENT',
      unless('EEXIST', link(this.#pathOf(key), own)).then(() => true),
    );
    if (!isTaken) return undefined;
    const status = await stat(own);
    if (!(await this.#isKnownSound(key, status)) && (known || !(await this.#compare(key, status)))) {
      await rm(own, { force: true });
      return undefined;
    }
    const now = new Date();
    await unless('ENOENT', utimes(this.#recordOf(key), now, now));
    return { path: own, stamp: stampOf(status) };
  }

  /**
   * Copies an image that has no copy and gives this process's name for it; undefined where there is no room, or another
   * process is copying it. Throws a system error where the image cannot be read or the disk is full.
   */
  async copy(image: Image): Promise<Copy | undefined> {
    const key = keyOf(image);
    const claim = claimOf(this.#pool, key);
    if (!(await takeClaim(claim, claimOf(this.#own, key), image.header.fileBytes))) return undefined;
    const staged = join(this.#own, `${key}.tmp`);
    try {
      if (!(await this.#makeRoom())) return undefined;
      await copySequentially(image, staged);
      if (!(await isSoundCopy(staged, key))) return undefined;
      await rename(staged, this.#pathOf(key));
      await this.#record(key, await stat(this.#pathOf(key)));
      return await this.find(image);
    } finally {
      await rm(staged, { force: true });
      await unless('ENOENT', unlink(claim));
    }
  }

  /** Whether a copy that this process uses is in the state in which it was found sound. */
  async isUnchanged(image: Image): Promise<boolean> {
    const own = await unless('ENOENT', stat(this.#ownOf(keyOf(image))));
    return own !== undefined && own.size === image.header.fileBytes && this.#isKnownSound(keyOf(image), own);
  }

  /** Throws a copy out that was found damaged; not one that another daemon has made anew. */
  async discard(image: Image): Promise<void> {
    const key = keyOf(image);
    const own = await unless('ENOENT', stat(this.#ownOf(key)));
    const there = await unless('ENOENT', stat(this.#pathOf(key)));
    if (own === undefined || own.ino === there?.ino) await this.#remove(key);
    await rm(this.#ownOf(key), { force: true });
  }

  /** A sign of life, for daemons that cannot see this process: once in hours is enough. */
  async stay(): Promise<void> {
    const now = new Date();
    await unless('ENOENT', utimes(join(this.#own, ownerName), now, now));
  }

  async close(): Promise<void> {
    await rm(this.#own, { recursive: true, force: true });
  }

  async #isKnownSound(key: string, status: FileState): Promise<boolean> {
    const text = await unless('ENOENT', readFile(this.#recordOf(key), 'utf8'));
    const known = text === undefined ? undefined : parseRecord(text);
    return (
      known?.boot === thisBoot() &&
      known.inode === status.ino &&
      known.sizeBytes === status.size &&
      known.mtimeMs === status.mtimeMs
    );
  }

  /** Compares what this process has a name for with its digests; what is damaged is thrown out. */
  async #compare(key: string, status: FileState): Promise<boolean> {
    const isSound = await isSoundCopy(this.#ownOf(key), key);
    await (isSound ? this.#record(key, status) : this.#remove(key));
    return isSound;
  }

  async #record(key: string, { ino, size, mtimeMs }: FileState): Promise<void> {
    const record: CopyRecord = { boot: thisBoot(), inode: ino, sizeBytes: size, mtimeMs };
    const staged = `${this.#recordOf(key)}.${randomBytes(4).toString('hex')}`;
    await writeFile(staged, JSON.stringify(record), { mode: 0o600 });
    await rename(staged, this.#recordOf(key));
  }

  /** For all that is claimed; false where there is not enough. */
  async #makeRoom(): Promise<boolean> {
    if (await this.#throwOut()) return true;
    await this.#removeDeadUsers();
    return this.#throwOut();
  }

  /** Throws the least recently used copies out that no daemon uses; none, and false, where that is not enough. */
  async #throwOut(): Promise<boolean> {
    const copies = await this.#listCopies();
    const total = copies.reduce((sum, { sizeBytes }) => sum + sizeBytes, await claimedBytes(this.#pool));
    let excess = total - this.#limitBytes;
    const idle = copies.filter(({ isUsed }) => !isUsed);
    if (idle.reduce((left, { sizeBytes }) => left - sizeBytes, excess) > 0) return false;
    for (const { key, sizeBytes } of idle) {
      if (excess <= 0) break;
      await this.#remove(key);
      excess -= sizeBytes;
    }
    return true;
  }

  /** The least recently used first. */
  async #listCopies(): Promise<{ key: string; sizeBytes: number; isUsed: boolean; usedMs: number }[]> {
    const copies = [];
    for (const file of await readdir(this.#pool)) {
      if (!file.endsWith(suffix)) continue;
      const key = file.slice(0, -suffix.length);
      const status = await unless('ENOENT', stat(join(this.#pool, file)));
      const record = await unless('ENOENT', stat(this.#recordOf(key)));
      if (status)
        copies.push({ key, sizeBytes: status.size, isUsed: status.nlink > 1, usedMs: record?.mtimeMs ?? 0 });
    }
    return copies.sort((a, b) => a.usedMs - b.usedMs);
  }

  async #remove(key: string): Promise<void> {
    for (const path of [this.#pathOf(key), this.#recordOf(key)]) await rm(path, { force: true });
  }

  async #removeDeadUsers(): Promise<void> {
    for (const user of await readdir(this.#users)) {
      const folder = join(this.#users, user);
      const status = await unless('ENOENT', stat(folder));
      if (!status || folder === this.#own) continue;
      const isStarting = Date.now() - status.mtimeMs < longestStartMs;
      if ((await hasOwnerEnded(join(folder, ownerName))) ?? !isStarting)
        await rm(folder, { recursive: true, force: true });
    }
  }

  /** This process's name for a copy. */
  #ownOf(key: string): string {
    return join(this.#own, `${key}${suffix}`);
  }

  #pathOf(key: string): string {
    return join(this.#pool, `${key}${suffix}`);
  }

  #recordOf(key: string): string {
    return join(this.#pool, `${key}${recordSuffix}`);
  }
}

function keyOf({ header }: Image): string {
  return header.digest;
}

/** Throws STORE_UNUSABLE. */
async function assertOwn(folder: string): Promise<void> {
  const { uid, mode } = await stat(folder);
  if (uid === ownUid() && (mode & 0o022) === 0) return;
  throw new ShenvError(
    'STORE_UNUSABLE',
    `The cache ${folder} belongs to somebody else or is open to others`,
    {
      hint: 'Choose a folder of your own with --cache.',
      path: folder,
    },
  );
}

function parseRecord(text: string): CopyRecord | undefined {
  try {
    return JSON.parse(text) as CopyRecord;
  } catch {
    return undefined;
  }
}
