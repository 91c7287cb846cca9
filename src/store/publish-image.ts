import { randomBytes } from 'node:crypto';
import { lstat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { linkExclusively, syncFolder } from '../base/atomic-write.js';
import { ShenvError, unless } from '../base/errors.js';
import { ownUid } from '../base/trust.js';
import type { StorePart } from './chain.js';
import { otherName } from './layout.js';
import { makeFolder } from './modes.js';
import type { Store } from './store.js';

const mostTries = 16;

/** Where an image came to be. */
export interface PublishedImage {
  path: string;
  /** False where somebody who is believed had published it meanwhile. */
  added: boolean;
}

/**
 * Gives a staged image its name in the first store with link(2). A name that is taken by what nobody believes is left
 * to it, and another one is used that ends in the same way. The staged name is gone in any case.
 */
export async function publishImage(
  store: Store,
  staged: string,
  { folder, file }: { folder: string; file: string },
): Promise<PublishedImage> {
  const place = { folder, file };
  try {
    // A gc removes folders that are empty, maybe just before the name is given.
    for (let tries = 1; tries < mostTries; tries += 1) {
      const published = await unless('ENOENT', publishUnder(store, staged, place));
      if (published) return published;
    }
    return await publishUnder(store, staged, place);
  } finally {
    await unlink(staged);
  }
}

async function publishUnder(
  store: Store,
  staged: string,
  { folder, file }: { folder: string; file: string },
): Promise<PublishedImage> {
  const target = await prepareFolder(store.first, folder);
  for (let attempt = 0; ; attempt += 1) {
    const path = join(target, nameOf(file, attempt));
    if (await linkExclusively(staged, path)) return { path, added: true };
    const taken = await unless('ENOENT', lstat(path));
    if (taken && store.first.trust.believesFile(taken)) return { path, added: false };
  }
}

function nameOf(file: string, attempt: number): string {
  if (attempt === 0) return file;
  const own = `u${ownUid()}`;
  return otherName(file, attempt === 1 ? own : `${own}x${randomBytes(3).toString('hex')}`);
}

/** Makes `<name>/<version>` below `images`, durably; in a shared store that of this user. */
async function prepareFolder(part: StorePart, folder: string): Promise<string> {
  const { layout } = part;
  const distribution = part.distributionFolders(dirname(folder)).at(-1)!;
  const target = join(distribution, folder.slice(dirname(folder).length + 1));
  if (await makeFolder(layout, target)) {
    await syncFolder(distribution);
    await syncFolder(layout.images);
  }
  for (const path of [distribution, target]) {
    if (!part.believesFolder(path)) throw taken(path, (await lstat(path)).uid);
  }
  return target;
}

function taken(path: string, uid: number): ShenvError {
  return new ShenvError(
    'STORE_UNUSABLE',
    `${path} belongs to user ${uid}, who is not believed in this store`,
    {
      hint: 'Let its owner or root remove that folder.',
      path,
    },
  );
}
