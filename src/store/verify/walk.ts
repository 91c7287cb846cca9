import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isRefusal, systemErrorCode, unless } from '../../base/errors.js';
import { normalizeName } from '../../wheel/filename.js';
import type { StorePart } from '../chain.js';
import {
  baseNameOf,
  distributionOf,
  type ImageName,
  imageNameOfFile,
  imageSuffix,
  type StoreLayout,
} from '../layout.js';

/** A file of the store that is an image by its name. */
export interface ImageFilePlace {
  path: string;
  /** Normalized name, and the folder of the version that it lies in. */
  distribution: string;
  version: string;
  image: ImageName;
  /** Of one of bytecode: its wheel's images, of any store, which it may be used with; undefined for a wheel's. */
  basePaths: string[] | undefined;
  /** User id of who owns the file; he alone shows it where he is not believed. */
  uid: number;
  isBelieved: boolean;
}

export interface Walked {
  images: ImageFilePlace[];
  /** Paths below `images/` that no shenv-fs made, or under an image's name what is no regular file. */
  strange: string[];
  /** Folders of other users that this one may not list. */
  unlisted: string[];
}

/**
 * Every image of the first of `parts`, of wheels and of bytecode, whoever's it is; or those of the distributions named.
 * The others are looked into for wheels' images that bytecode refers to.
 */
export async function walkImages(
  parts: readonly [StorePart, ...StorePart[]],
  distributions: readonly string[],
): Promise<Walked> {
  return new Walk(parts, new Set(distributions.map(normalizeName))).run();
}

class Walk {
  readonly #parts: readonly [StorePart, ...StorePart[]];
  readonly #wanted: ReadonlySet<string>;
  readonly #walked: Walked = { images: [], strange: [], unlisted: [] };

  constructor(parts: readonly [StorePart, ...StorePart[]], wanted: ReadonlySet<string>) {
    this.#parts = parts;
    this.#wanted = wanted;
  }

  async run(): Promise<Walked> {
    const { images } = this.#parts[0].layout;
    for (const folder of await this.#list(images, 'folders')) {
      if (!this.#isWanted(images, folder)) continue;
      for (const version of await this.#list(join(images, folder), 'folders')) {
        for (const file of await this.#list(join(images, folder, version), 'files'))
          await this.#take(join(images, folder, version, file));
      }
    }
    return this.#walked;
  }

  #isWanted(folder: string, name: string): boolean {
    const isDistribution = folder === this.#parts[0].layout.images;
    return this.#wanted.size === 0 || !isDistribution || this.#wanted.has(distributionOf(name));
  }

  /** Names of one kind, sorted; what is of the other is strange. */
  async #list(path: string, wanted: 'folders' | 'files'): Promise<string[]> {
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      if (systemErrorCode(error) !== 'ENOENT' && !isRefusal(error)) throw error;
      if (isRefusal(error)) this.#walked.unlisted.push(path);
      return [];
    });
    const names: string[] = [];
    for (const entry of entries) {
      const isWanted = wanted === 'folders' ? entry.isDirectory() : entry.isFile();
      if (isWanted) names.push(entry.name);
      else if (this.#isWanted(path, entry.name)) this.#walked.strange.push(join(path, entry.name));
    }
    return names.sort();
  }

  async #take(path: string): Promise<void> {
    const image = imageNameOfFile(path);
    const status = await unless('ENOENT', lstat(path));
    if (image === undefined) this.#walked.strange.push(path);
    if (image === undefined || !status) return;
    this.#walked.images.push({
      ...(await placeOf(this.#parts, path, image)),
      uid: status.uid,
      isBelieved: this.#parts[0].trust.believesFile(status),
    });
  }
}

/** What the place of an image, which may be empty, below `images` of the first part tells. */
export async function placeOf(
  parts: readonly [StorePart, ...StorePart[]],
  path: string,
  image: ImageName,
): Promise<Omit<ImageFilePlace, 'uid' | 'isBelieved'>> {
  const folder = dirname(dirname(path));
  return {
    path,
    distribution: distributionOf(basename(folder)),
    version: basename(dirname(path)),
    image,
    basePaths: baseNameOf(image) === image ? undefined : await basesOf(parts, path, image),
  };
}

/** Beside it, in the distribution's common folder, and in the stores below: where its user finds a wheel's image. */
async function basesOf(parts: readonly StorePart[], path: string, image: ImageName): Promise<string[]> {
  const own = basename(dirname(dirname(path)));
  const ending = `-${baseNameOf(image)}${imageSuffix}`;
  const found: string[] = [];
  for (const { layout } of parts) {
    for (const folder of new Set([own, distributionOf(own)]))
      found.push(...(await filesEnding(layout, join(folder, basename(dirname(path))), ending)));
  }
  return found;
}

/** Paths of the files in `folder` below `images` whose names end with `ending`. */
export async function filesEnding(
  { images }: StoreLayout,
  folder: string,
  ending: string,
): Promise<string[]> {
  const files = await readdir(join(images, folder)).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '') || isRefusal(error)) return [];
    throw error;
  });
  return files.filter((file) => file.endsWith(ending)).map((file) => join(images, folder, file));
}
