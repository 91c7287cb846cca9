import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** SHA-256 of the data. V8 copies data that are not aligned to 8 bytes. */
const headerBytes = 32;
const programDigits = 16;
/** Others are removed, the oldest first. */
const keptFiles = 48;
const fileSuffix = '.code';

/**
 * What V8 has compiled of a program, kept from one process to the next: a file for each command in a folder that is this
 * user's alone. Who can write there can make this user's processes run anything, so a folder or file that
 * belongs to somebody else, or that others may write, counts as none. A cache never fails a command.
 */
export class CodeCache {
  readonly #folder: string;
  readonly #path: string;

  /** `source` is the program's text, `part` what of it is run: the name of a command. */
  constructor(folder: string, source: Buffer, part: string) {
    const program = sha256(source).toString('hex').slice(0, programDigits);
    this.#folder = folder;
    this.#path = join(folder, `${program}-${process.version}-${part}${fileSuffix}`);
  }

  /** V8 itself refuses what another version, or another text of the same program, has left. */
  read(): Buffer | undefined {
    try {
      if (!isOwn(lstatSync(this.#folder))) return undefined;
      const file = openSync(this.#path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      try {
        const status = fstatSync(file);
        return isOwn(status) && status.isFile() ? checked(readFileSync(file)) : undefined;
      } finally {
        closeSync(file);
      }
    } catch {
      return undefined;
    }
  }

  /** Not synced: what a power cut leaves half-written fails its checksum. */
  write(data: Buffer): void {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      if (!isOwn(lstatSync(this.#folder))) return;
      const staged = `${this.#path}.${process.pid}`;
      writeFileSync(staged, Buffer.concat([sha256(data), data]), { mode: 0o600, flag: 'wx' });
      renameSync(staged, this.#path);
      this.#prune();
    } catch {
      // No room, no permission: the next process compiles again.
    }
  }

  #prune(): void {
    const names = readdirSync(this.#folder);
    if (names.length <= keptFiles) return;
    const aged = names.map((name) => ({
      path: join(this.#folder, name),
      mtimeMs: mtimeOf(this.#folder, name),
    }));
    aged.sort((a, b) => b.mtimeMs - a.mtimeMs);
    for (const { path } of aged.slice(keptFiles)) unlinkSync(path);
  }
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}

function mtimeOf(folder: string, name: string): number {
  return statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function isOwn({ uid, mode }: Stats): boolean {
  return uid === process.geteuid?.() && (mode & 0o022) === 0;
}

/** V8 takes data on trust and dies of damaged ones. */
function checked(file: Buffer): Buffer | undefined {
  if (file.length <= headerBytes) return undefined;
  const data = file.subarray(headerBytes);
  return sha256(data).equals(file.subarray(0, headerBytes)) ? data : undefined;
}
