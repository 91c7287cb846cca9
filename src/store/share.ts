import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isRefusal, ShenvError, unless } from '../base/errors.js';
import { ownUid } from '../base/trust.js';
import { type StoreLayout, sharedFolders } from './layout.js';
import { makeFolder } from './modes.js';

export interface Shared {
  folders: number;
  files: number;
  /** Files and folders of other users, which stay as they are: nobody but they believes them. */
  left: number;
}

/** Of a folder that many write in: setgid and sticky (inode(7)), so that files keep its group and are their owner's. */
const modesForGroup = { shared: 0o3775, own: 0o2755, file: 0o644 };
const modesForAll = { ...modesForGroup, shared: 0o3777 };

/**
 * Lets a group, or everybody, put images into a store, and makes everything in it that is its owner's readable.
 * Everything else in it stays its owner's alone to change. Throws STORE_UNUSABLE where it is not this user's.
 */
export async function shareStore(layout: StoreLayout, gid: number | undefined): Promise<Shared> {
  const modes = gid === undefined ? modesForAll : modesForGroup;
  try {
    for (const folder of sharedFolders(layout)) await makeFolder(layout, folder);
    const { uid } = await stat(layout.root);
    if (ownUid() !== 0 && uid !== ownUid()) throw notPermitted(layout.root);
    const sharing = new Sharing(uid, gid, modes);
    await sharing.ofLayout(layout.root, modes.own);
    await sharing.ofLayout(dirname(layout.images), modes.own);
    for (const folder of sharedFolders(layout)) {
      await sharing.ofLayout(folder, modes.shared);
      await sharing.below(folder);
    }
    return sharing.done;
  } catch (cause) {
    if (!isRefusal(cause)) throw cause;
    throw new ShenvError('STORE_UNUSABLE', `The store at ${layout.root} is not yours to share`, {
      hint: 'Its owner can share it, with a group that he is in; root can with any.',
      path: layout.root,
      cause,
    });
  }
}

class Sharing {
  readonly done: Shared = { folders: 0, files: 0, left: 0 };
  readonly #owner: number;
  readonly #gid: number | undefined;
  readonly #modes: typeof modesForGroup;

  constructor(owner: number, gid: number | undefined, modes: typeof modesForGroup) {
    this.#owner = owner;
    this.#gid = gid;
    this.#modes = modes;
  }

  /** A folder that must be the owner's: root makes it so. */
  async ofLayout(path: string, mode: number): Promise<void> {
    const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const status = await folder.stat();
      if (status.uid !== this.#owner && ownUid() !== 0) throw notPermitted(path);
      if (await this.#give(folder, { uid: this.#owner, mode })) this.done.folders += 1;
    } finally {
      await folder.close();
    }
  }

  async below(folder: string): Promise<void> {
    for (const entry of (await unless('ENOENT', readdir(folder, { withFileTypes: true }))) ?? []) {
      const path = join(folder, entry.name);
      if (!(await this.#isOwn(path))) this.done.left += 1;
      else if (entry.isDirectory()) {
        if (await this.#change(path, this.#modes.own, constants.O_DIRECTORY)) this.done.folders += 1;
        await this.below(path);
      } else if (entry.isFile() && (await this.#change(path, this.#modes.file, 0))) this.done.files += 1;
    }
  }

  /** Of this process, or, for root, of the store's owner; root has nothing to change in what others put there. */
  async #isOwn(path: string): Promise<boolean> {
    const uid = (await unless('ENOENT', lstat(path)))?.uid;
    return uid !== undefined && this.#isOwner(uid);
  }

  #isOwner(uid: number): boolean {
    return uid === ownUid() || (ownUid() === 0 && uid === this.#owner);
  }

  /** By descriptor: what is at the path may be another thing by now. True where something had to be changed. */
  async #change(path: string, mode: number, flags: number): Promise<boolean> {
    const file = await unless(
      'ENOENT',
      open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | flags),
    );
    if (!file) return false;
    try {
      const status = await file.stat();
      // Another name of a file that is elsewhere: somebody would like to see it readable.
      if (!this.#isOwner(status.uid) || (status.isFile() && status.nlink > 1)) return false;
      return await this.#give(file, { uid: status.uid, mode });
    } finally {
      await file.close();
    }
  }

  async #give(file: FileHandle, wanted: { uid: number; mode: number }): Promise<boolean> {
    const { uid, gid, mode } = await file.stat();
    const group = this.#gid ?? gid;
    const isTheirs = uid === wanted.uid && gid === group;
    if (isTheirs && (mode & 0o7777) === wanted.mode) return false;
    if (!isTheirs) await file.chown(wanted.uid, group);
    await file.chmod(wanted.mode);
    return true;
  }
}

function notPermitted(path: string): Error {
  return Object.assign(new Error(`EPERM: ${path} is another user's`), { code: 'EPERM', path });
}
