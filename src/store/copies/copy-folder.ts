import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
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
import { isRunning, type ProcessIdentity, thisProcess } from '../../base/process-identity.js';
import { ownUid } from '../../base/trust.js';
import type { FileStamp, Image } from '../../image/read.js';
import { stampOf } from '../../image/stamp.js';
import { copySequentially, isSoundCopy } from './copy-image.js';

/** What makes a copy one that was compared with its digests: it is the same file in the same state since this boot. */
interface CopyRecord {
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
const claimSuffix = '.claim';

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
    for (const path of [folder, opened.#pool, opened.#own])
      await mkdir(path, { recursive: true, mode: 0o700 });
    const { uid, mode } = await stat(folder);
    if (uid !== ownUid() || (mode & 0o022) !== 0) {
      throw new ShenvError(
        'STORE_UNUSABLE',
        `The cache ${folder} belongs to somebody else or is open to others`,
        {
          hint: 'Choose a folder of your own with --cache.',
          path: folder,
        },
      );
    }
    await writeFile(join(opened.#own, 'process.json'), JSON.stringify(thisProcess()), { mode: 0o600 });
    await opened.#removeDeadUsers();
    return opened;
  }

  /**
   * A copy that is there and sound; undefined where there is none. With `known` only one that needs no reading: it was
   * found sound since this host was started and is as it was then.
   */
  async find(image: Image, known = false): Promise<Copy | undefined> {
    const key = keyOf(image);
    const path = this.#pathOf(key);
    const status = await unless('ENOENT', stat(path));
    if (!status) return undefined;
    if (!(await this.#isKnownSound(key))) {
      if (known) return undefined;
      if (!(await isSoundCopy(path, key))) {
        await this.#remove(key);
        return undefined;
      }
      await this.#record(key);
    }
    const own = join(this.#own, `${key}${suffix}`);
    const taken = await unless(
      'ENOENT',
      unless('EEXIST', link(path, own)).then(() => true),
    );
    if (!taken) return undefined;
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
    const claim = join(this.#pool, `${key}${claimSuffix}`);
    if (!(await this.#makeRoom(image.header.fileBytes)) || !(await takeClaim(claim))) return undefined;
    const staged = join(this.#pool, `${key}.tmp`);
    try {
      await copySequentially(image, staged);
      if (!(await isSoundCopy(staged, key))) return undefined;
      await rename(staged, this.#pathOf(key));
      await this.#record(key);
      return await this.find(image);
    } finally {
      await rm(staged, { force: true });
      await unless('ENOENT', unlink(claim));
    }
  }

  /** Whether a copy that this process uses is in the state in which it was found sound. */
  async isUnchanged(image: Image): Promise<boolean> {
    const own = await unless('ENOENT', stat(join(this.#own, `${keyOf(image)}${suffix}`)));
    return own !== undefined && own.size === image.header.fileBytes && this.#isKnownSound(keyOf(image), own);
  }

  /** Throws a copy out that was found damaged. */
  async discard(image: Image): Promise<void> {
    await this.#remove(keyOf(image));
    await rm(join(this.#own, `${keyOf(image)}${suffix}`), { force: true });
  }

  async close(): Promise<void> {
    await rm(this.#own, { recursive: true, force: true });
  }

  async #isKnownSound(key: string, of?: { ino: number; size: number; mtimeMs: number }): Promise<boolean> {
    const text = await unless('ENOENT', readFile(this.#recordOf(key), 'utf8'));
    const status = of ?? (await unless('ENOENT', stat(this.#pathOf(key))));
    const known = text === undefined ? undefined : parseRecord(text);
    if (!known || !status) return false;
    return (
      known.boot === thisBoot() &&
      known.inode === status.ino &&
      known.sizeBytes === status.size &&
      known.mtimeMs === status.mtimeMs
    );
  }

  async #record(key: string): Promise<void> {
    const { ino, size, mtimeMs } = await stat(this.#pathOf(key));
    const record: CopyRecord = { boot: thisBoot(), inode: ino, sizeBytes: size, mtimeMs };
    const staged = `${this.#recordOf(key)}.${randomBytes(4).toString('hex')}`;
    await writeFile(staged, JSON.stringify(record), { mode: 0o600 });
    await rename(staged, this.#recordOf(key));
  }

  /** Throws the least recently used copies out that no daemon uses; false where that is not enough. */
  async #makeRoom(bytes: number): Promise<boolean> {
    const copies = await this.#listCopies();
    let total = copies.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) + bytes;
    for (const { key, sizeBytes, isUsed } of copies) {
      if (total <= this.#limitBytes) break;
      if (isUsed) continue;
      await this.#remove(key);
      total -= sizeBytes;
    }
    return total <= this.#limitBytes;
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
      const text = await unless('ENOENT', readFile(join(this.#users, user, 'process.json'), 'utf8'));
      if (text !== undefined && isRunning(JSON.parse(text) as ProcessIdentity) === false)
        await rm(join(this.#users, user), { recursive: true, force: true });
    }
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

/** False while a process that lives has it. */
async function takeClaim(path: string): Promise<boolean> {
  for (let tries = 0; tries < 2; tries += 1) {
    const made = await unless(
      'EEXIST',
      writeFile(path, JSON.stringify(thisProcess()), { flag: 'wx', mode: 0o600 }).then(() => true),
    );
    if (made) return true;
    const text = await unless('ENOENT', readFile(path, 'utf8'));
    const owner = text ? parseIdentity(text) : undefined;
    if (owner && isRunning(owner) !== false) return false;
    await unless('ENOENT', unlink(path));
  }
  return false;
}

function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(text) as ProcessIdentity;
  } catch {
    return undefined;
  }
}

function parseRecord(text: string): CopyRecord | undefined {
  try {
    return JSON.parse(text) as CopyRecord;
  } catch {
    return undefined;
  }
}

/** After another boot a disk may have lost what was written last: copies are compared with their digests again. */
function thisBoot(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
