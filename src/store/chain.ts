import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { systemErrorCode, unless } from '../base/errors.js';
import type { Progress } from '../base/progress.js';
import { ownUid, statusOf, Trust, writableByOthers } from '../base/trust.js';
import { normalizeName } from '../wheel/filename.js';
import { distributionOf, folderApart, type StoreLayout, storeLayout } from './layout.js';

/** One store of the chain that look-ups fall through. */
export class StorePart {
  readonly layout: StoreLayout;
  #trust: Trust | undefined;

  constructor(root: string) {
    this.layout = storeLayout(root);
  }

  /** Whose files of this store count. */
  get trust(): Trust {
    this.#trust ??= Trust.ofFolder(this.layout.root);
    return this.#trust ?? new Trust(ownUid());
  }

  /**
   * The folders that may have images of a distribution, the common one first. In a shared store each user but root
   * and the store's owner has one of his own beside it: the owner of a folder can take away what is in it.
   */
  distributionFolders(name: string): string[] {
    const common = join(this.layout.images, normalizeName(name));
    const isApart = this.isShared() && ownUid() !== 0 && ownUid() !== this.trust.owner;
    return isApart ? [common, folderApart(common, ownUid())] : [common];
  }

  /** Whether others than its owner may put images there. */
  isShared(): boolean {
    const status = statusOf(this.layout.images, statSync);
    return status !== undefined && (status.mode & writableByOthers) !== 0;
  }

  /** A folder of a shared store counts when its owner does, so that a link there leads nowhere. */
  believesFolder(path: string): boolean {
    return !this.isShared() || believes(this.trust, statusOf(path, lstatSync));
  }

  /** The folders of each version of a distribution that may have images, sorted. */
  async versionFolders(name: string): Promise<{ version: string; folder: string }[]> {
    const found: { version: string; folder: string }[] = [];
    const isShared = this.isShared();
    for (const folder of this.distributionFolders(name)) {
      if (isShared && !believes(this.trust, await unless('ENOENT', lstat(folder)))) continue;
      for (const version of await listFolder(folder)) {
        const path = join(folder, version);
        if (!isShared || believes(this.trust, await unless('ENOENT', lstat(path))))
          found.push({ version, folder: path });
      }
    }
    return found;
  }

  /** The distributions that have a folder there. */
  async distributions(): Promise<string[]> {
    return (await listFolder(this.layout.images)).map(distributionOf);
  }

  /** The path below `images` of an image of this store; undefined for another one. */
  pathWithin(image: string): string | undefined {
    const path = relative(this.layout.images, image);
    return path.startsWith('..') || isAbsolute(path) ? undefined : path;
  }

  /** Whether the image at `path` below `images` is there. */
  has(path: string): boolean {
    // Not joined: a plan asks for 400 of them, and normalizing takes as long as lstat(2).
    const status = statusOf(`${this.layout.images}/${path}`, lstatSync);
    return status !== undefined && this.trust.believesFile(status);
  }
}

/** Of stores to fall through to, those that are there; the others are named once and left out. */
export function presentStores(roots: readonly string[], progress: Progress): string[] {
  return roots.filter((root) => {
    const reason = absenceOf(storeLayout(root).images);
    if (reason !== undefined)
      progress.note(
        `shenv-fs: the upstream store ${root} is not there (${reason}); what it has is looked for elsewhere.`,
      );
    return reason === undefined;
  });
}

function absenceOf(path: string): string | undefined {
  try {
    return statSync(path).isDirectory() ? undefined : 'ENOTDIR';
  } catch (error) {
    return systemErrorCode(error) ?? String(error);
  }
}

/** As `listFolder`, for look-ups, which do not yield. */
export function listFolderSync(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** Sorted; nothing where there is no such folder. */
export async function listFolder(path: string): Promise<string[]> {
  const names = await unless('ENOENT', readdir(path)).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOTDIR') return [];
    throw error;
  });
  return (names ?? []).sort();
}

function believes(trust: Trust, status: Stats | undefined): boolean {
  return status !== undefined && trust.believesFolder(status);
}
