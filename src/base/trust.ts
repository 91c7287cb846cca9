import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { systemErrorCode, unless } from './errors.js';

/** Bits of a mode that let somebody else than the owner change a file, or the names in a folder. */
export const writableByOthers = 0o022;

const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Whose files a process believes: its own, root's, and those of one more user, who owns the store that they are in.
 * Anybody else could change a file of his at any time, whatever its digest was a moment ago.
 */
export class Trust {
  /** User id. */
  readonly owner: number;

  constructor(owner: number) {
    this.owner = owner;
  }

  /** Of the owner of the folder at `path`; undefined where there is none yet. */
  static ofFolder(path: string): Trust | undefined {
    const status = statusOf(path, statSync);
    return status && new Trust(status.uid);
  }

  isBelieved(uid: number): boolean {
    return uid === this.owner || uid === 0 || uid === ownUid();
  }

  /** A regular file that nobody but a believed user can change. */
  believesFile(status: Stats): boolean {
    return status.isFile() && (status.mode & writableByOthers) === 0 && this.isBelieved(status.uid);
  }

  /** A folder, not a link to one, of a believed user; who else may write there owns what he puts there. */
  believesFolder(status: Stats): boolean {
    return status.isDirectory() && this.isBelieved(status.uid);
  }
}

class Everybody extends Trust {
  override isBelieved(): boolean {
    return true;
  }

  override believesFile(status: Stats): boolean {
    return status.isFile();
  }
}

/** For who looks at what others have put somewhere, and does not go by it: any regular file. */
export const everybody: Trust = new Everybody(-1);

/** What `read` (statSync, lstatSync) says of a path; undefined where there is nothing, or nothing can be. */
export function statusOf(path: string, read: (path: string) => Stats): Stats | undefined {
  try {
    return read(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** The contents of a regular file, whoever's it is; a link is not followed nor a FIFO waited for. Throws ENOENT then. */
export async function readRegular(path: string): Promise<Buffer> {
  const file = await openTrusted(path, everybody);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/**
 * Whether `path` is a link that a user has made who is neither this one nor root: in his own home he could lead a mount
 * for all users to folders that only its daemon may read.
 */
export async function isForeignLink(path: string): Promise<boolean> {
  const status = await unless('ENOENT', lstat(path));
  return status?.isSymbolicLink() === true && status.uid !== 0 && status.uid !== ownUid();
}

export function ownUid(): number {
  return process.geteuid?.() ?? 0;
}

/**
 * Opens a file to read it. With `trust`, what is not believed is as if it were absent (ENOENT): it is neither
 * followed (a link) nor waited for (a FIFO), and the decision is about the descriptor that is given, not about a name.
 */
export async function openTrusted(path: string, trust: Trust | undefined): Promise<FileHandle> {
  if (!trust) return open(path, 'r');
  let file: FileHandle;
  try {
    file = await open(path, openFlags);
  } catch (error) {
    if (isOddity(error)) throw absent(path);
    if (systemErrorCode(error) === 'EACCES' && !trust.believesFile(await lstat(path))) throw absent(path);
    throw error;
  }
  if (trust.believesFile(await file.stat())) return file;
  await file.close();
  throw absent(path);
}

/** As `openTrusted`; gives a descriptor that the caller closes. */
export function openTrustedSync(path: string, trust: Trust | undefined): number {
  if (!trust) return openSync(path, 'r');
  let fd: number;
  try {
    fd = openSync(path, openFlags);
  } catch (error) {
    if (isOddity(error)) throw absent(path);
    if (systemErrorCode(error) === 'EACCES' && !trust.believesFile(lstatSync(path))) throw absent(path);
    throw error;
  }
  if (trust.believesFile(fstatSync(fd))) return fd;
  closeSync(fd);
  throw absent(path);
}

/** ELOOP: a link (open(2), O_NOFOLLOW); ENXIO: a socket, or a device that is not there. */
function isOddity(error: unknown): boolean {
  return ['ELOOP', 'ENXIO', 'ENODEV'].includes(systemErrorCode(error) ?? '');
}

function absent(path: string): Error {
  const error = new Error(`ENOENT: no file of a user who is believed here, open '${path}'`);
  return Object.assign(error, { code: 'ENOENT', path });
}
