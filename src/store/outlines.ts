import { basename, dirname, join } from 'node:path';
import { ShenvError, systemErrorCode } from '../base/errors.js';
import { Image } from '../image/read.js';
import { sameVersion } from '../wheel/filename.js';
import { listFolderSync, type StorePart } from './chain.js';
import type { ImageKey } from './image-cache.js';
import { bytecodeName, digestPrefix, imagePlace, imageSuffix } from './layout.js';
import type { Store } from './store.js';

/** An image by what a manifest or a lock knows of it. */
export interface OutlineKey extends ImageKey {
  /** Saves listing the folder. */
  wheelFilename?: string;
}

/**
 * Outlines of images (`Image.outline`) for commands that compose once and end: all of 200
 * distributions in about 20 ms, because nothing is awaited. Each is read once.
 */
export class Outlines {
  readonly #store: Store;
  readonly #known = new Map<string, Image>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * A wheel's image, or that with bytecode for `cacheTag`; undefined where the store has none. One that a gc has
   * condemned is taken back.
   */
  find(key: OutlineKey, cacheTag?: string): Image | undefined {
    const id = `${key.wheelDigest} ${cacheTag ?? ''}`;
    const known =
      this.#known.get(id) ??
      this.#readNamed(key, cacheTag) ??
      this.#read(key, cacheTag) ??
      this.#rescue(key, cacheTag);
    if (known) this.#known.set(id, known);
    return known;
  }

  #rescue(key: ImageKey, cacheTag: string | undefined): Image | undefined {
    const isBack = this.#store.rescue(key.name, key.wheelDigest);
    return isBack ? this.#read(key, cacheTag) : undefined;
  }

  /** As `find`. Throws IMAGE_MISSING. */
  open(key: OutlineKey, cacheTag?: string): Image {
    const found = this.find(key, cacheTag);
    if (found) return found;
    const what = cacheTag === undefined ? 'image' : `bytecode for ${cacheTag}`;
    throw new ShenvError('IMAGE_MISSING', `The store has no ${what} of ${key.name} ${key.version}`, {
      hint: 'Add the wheel again with `shenv-fs store add FILE.whl`, or sync the environment anew.',
      path: this.#store.layout.images,
    });
  }

  /** For its metadata, which bytecode does not change: the image that an environment will show, if it is there. */
  describe(key: OutlineKey, cacheTag: string): Image | undefined {
    return this.find(key, cacheTag) ?? this.find(key);
  }

  /** The wheels' images of one distribution in one version. */
  listVersion(name: string, version: string): Image[] {
    const found: Image[] = [];
    for (const part of this.#store.parts) {
      for (const folder of foldersOf(part, name, version)) {
        const files = listFolderSync(folder).filter((file) => /-[0-9a-f]{16}\.img$/.test(file));
        found.push(...files.flatMap((file) => outline(part, join(folder, file)) ?? []));
      }
    }
    return found;
  }

  #readNamed({ wheelFilename, wheelDigest }: OutlineKey, cacheTag: string | undefined): Image | undefined {
    if (wheelFilename === undefined) return undefined;
    const { folder, file } = imagePlace(wheelFilename, wheelDigest);
    const wanted = cacheTag === undefined ? file : bytecodeName(file, cacheTag);
    for (const part of this.#store.parts) {
      for (const distribution of part.distributionFolders(dirname(folder))) {
        const path = join(distribution, basename(folder));
        const image = areBelieved(part, path) ? outline(part, join(path, wanted)) : undefined;
        if (image?.wheelDigest === wheelDigest) return image;
      }
    }
    return undefined;
  }

  #read(key: ImageKey, cacheTag: string | undefined): Image | undefined {
    const { name, version, wheelDigest } = key;
    const ending = endingOf(key, cacheTag);
    for (const part of this.#store.parts) {
      for (const folder of foldersOf(part, name, version)) {
        for (const file of listFolderSync(folder)) {
          const image = file.endsWith(ending) ? outline(part, join(folder, file)) : undefined;
          if (image?.wheelDigest === wheelDigest) return image;
        }
      }
    }
    return undefined;
  }
}

/** How the file name of an image ends. */
function endingOf({ wheelDigest }: ImageKey, cacheTag: string | undefined): string {
  const plain = `-${digestPrefix(wheelDigest)}${imageSuffix}`;
  return cacheTag === undefined ? plain : bytecodeName(plain, cacheTag);
}

/** Folders of a version: a wheel's name may spell it otherwise (`1.0` and `1.0.0`). */
function* foldersOf(part: StorePart, name: string, version: string): Generator<string> {
  for (const distribution of part.distributionFolders(name)) {
    const others = listFolderSync(distribution).filter(
      (other) => other !== version && sameVersion(other, version),
    );
    for (const spelled of [version, ...others]) {
      const folder = join(distribution, spelled);
      if (areBelieved(part, folder)) yield folder;
    }
  }
}

/** A version's folder and the distribution's that it is in. */
function areBelieved(part: StorePart, folder: string): boolean {
  return part.believesFolder(dirname(folder)) && part.believesFolder(folder);
}

/** Undefined for what is not there or not believed. */
function outline({ trust }: StorePart, path: string): Image | undefined {
  try {
    return Image.outline(path, trust);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
