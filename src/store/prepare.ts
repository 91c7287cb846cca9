import { access, chmod, constants, lstat, stat } from 'node:fs/promises';
import { ShenvError } from '../base/errors.js';
import { writableByOthers } from '../base/trust.js';
import type { StorePart } from './chain.js';
import { sharedFolders } from './layout.js';
import { makeFolder, sticky } from './modes.js';

/**
 * Makes the folders of a store, and makes sure that in those that others may write in nobody can put something else in
 * the place of another's file. Throws STORE_UNUSABLE where that cannot be.
 */
export async function prepareStore({ layout, trust }: StorePart): Promise<void> {
  const written = [layout.images, layout.serials, layout.staging];
  try {
    for (const folder of sharedFolders(layout)) await makeFolder(layout, folder);
    for (const folder of written) await access(folder, constants.W_OK);
  } catch (cause) {
    throw new ShenvError('STORE_UNUSABLE', `The store at ${layout.root} cannot be written`, {
      hint: 'Choose another place with SHENV_STORE, or get write access.',
      path: layout.root,
      cause,
    });
  }
  for (const folder of written) {
    const { uid, mode } = await stat(folder);
    const isSound = trust.isBelieved(uid) && trust.isBelieved((await lstat(folder)).uid);
    if (!isSound) throw unsound(folder, `belongs to user ${uid}, and the store to user ${trust.owner}`);
    if ((mode & writableByOthers) === 0 || (mode & sticky) !== 0) continue;
    await chmod(folder, (mode | sticky) & 0o7777).catch((cause: unknown) => {
      throw unsound(folder, 'lets every user who writes there replace the files of others', cause);
    });
  }
}

function unsound(path: string, what: string, cause?: unknown): ShenvError {
  return new ShenvError('STORE_UNUSABLE', `${path} ${what}`, {
    hint: 'Let the owner of the store run `shenv-fs store share`.',
    path,
    ...(cause === undefined ? {} : { cause }),
  });
}
