import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  type Stats,
  statSync,
} from 'node:fs';
import { access, type FileHandle, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stageFile, syncFolder } from '../base/atomic-write.js';
import { isRefusal, ShenvError, systemErrorCode } from '../base/errors.js';
import { ownUid, statusOf, Trust, writableByOthers } from '../base/trust.js';
import { type StoreLayout, sharedFolders } from './layout.js';

/** setgid and sticky are part of it (inode(7)). */
const modeBits = 0o7777;
const setgid = 0o2000;
export const sticky = 0o1000;
/** Of a new store, where the umask takes nothing away; nobody else ever writes there unless it is shared. */
const rootMode = 0o755;
/** Of every file: the folders above it say who may read it. */
export const fileMode = 0o644;

/**
 * Makes a folder of a store and those above it that are missing. Its mode follows that of the folder it is made in, not
 * the umask: only its owner may write in it, but for the folders of the layout, which a shared store opens to others.
 * What root makes in another user's store becomes that user's. False where it was there.
 */
export async function makeFolder(layout: StoreLayout, path: string): Promise<boolean> {
  return makeFolderSync(layout, path);
}

/** As `makeFolder`, for look-ups, which do not yield. */
export function makeFolderSync(layout: StoreLayout, path: string): boolean {
  if (statusOf(path, statSync)) return false;
  if (path === layout.root) {
    mkdirSync(dirname(path), { recursive: true, mode: rootMode });
    return makeOne(path, statSync(dirname(path)), rootMode & ~process.umask());
  }
  makeFolderSync(layout, dirname(path));
  const above = statSync(dirname(path));
  const isOfLayout = sharedFolders(layout).includes(path);
  const mode = isOfLayout ? sharedMode(layout) : above.mode & ~writableByOthers;
  const isVersion = dirname(path) === layout.root;
  return makeOne(path, above, mode, isOfLayout || isVersion ? Trust.ofFolder(layout.root) : undefined);
}

/** Of a folder of the layout: that of `images`, else of the root; sticky where others may write. */
function sharedMode(layout: StoreLayout): number {
  const { mode } = statusOf(layout.images, statSync) ?? statSync(layout.root);
  return (mode & writableByOthers) !== 0 ? mode | sticky : mode;
}

/** With `trust`, it must not become the folder of somebody who is not believed by others. Throws EACCES then. */
function makeOne(path: string, above: Stats, mode: number, trust?: Trust): boolean {
  try {
    mkdirSync(path, { mode: (mode & 0o777) | 0o700 });
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const made = adopt(folder, above);
    if (trust && made.uid !== trust.owner && made.uid !== 0) {
      rmdirSync(path);
      throw Object.assign(new Error(`EACCES: only its owner can set up ${path}`), { code: 'EACCES', path });
    }
    if (((made.mode ^ mode) & modeBits & ~setgid) !== 0)
      fchmodSync(folder, (mode | (made.mode & setgid)) & modeBits);
  } finally {
    closeSync(folder);
  }
  return true;
}

/** Gives what root has made in another user's folder to that user. */
function adopt(made: number, folder: Stats): Stats {
  const status = fstatSync(made);
  if (ownUid() !== 0 || status.uid !== 0 || folder.uid === 0) return status;
  try {
    fchownSync(made, folder.uid, (folder.mode & setgid) !== 0 ? status.gid : folder.gid);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  return fstatSync(made);
}

/**
 * As `stageFile`, for a file of a store: who may enter its folder may read it, whatever the umask. Throws
 * STORE_UNUSABLE where the file system does not keep modes.
 */
export async function stageInStore(
  layout: StoreLayout,
  folder: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<string> {
  await makeFolder(layout, folder);
  const above = await stat(folder);
  return stageFile(folder, async (file) => {
    adopt(file.fd, above);
    await file.chmod(fileMode);
    if (((await file.stat()).mode & writableByOthers) !== 0) throw keepsNoModes(folder);
    await write(file);
  });
}

/** As `replaceFile`, for a file of a store. */
export async function replaceInStore(layout: StoreLayout, target: string, data: Uint8Array): Promise<void> {
  const staged = await stageInStore(layout, dirname(target), (file) => file.writeFile(data));
  await rename(staged, target);
  await syncFolder(dirname(target));
}

function keepsNoModes(folder: string): ShenvError {
  return new ShenvError(
    'STORE_UNUSABLE',
    `Everybody may change every file in ${folder}: its file system keeps no modes`,
    {
      hint: 'Choose another place with SHENV_STORE, or mount that file system with a umask of 022.',
      path: folder,
    },
  );
}

/** False for another user's folder. Also true where a file system is read-only as a whole, which is no matter of users. */
export async function mayWrite(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    return true;
  } catch (error) {
    return systemErrorCode(error) !== 'EACCES';
  }
}

/** Gives a file that this process has just made the mode of another one and, where root does it, its owner. */
export async function copyAccess(path: string, { mode, uid, gid }: Stats): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (ownUid() === 0) await file.chown(uid, gid);
    await file.chmod(mode & modeBits);
  } finally {
    await file.close();
  }
}
