import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ShenvError, systemErrorCode } from '../base/errors.js';
import { Image } from '../image/read.js';
import { normalizeName, sameVersion } from '../wheel/filename.js';
import type { ImageKey } from './image-cache.js';
import { bytecodeName, digestPrefix, imagePlace, imageSuffix, type StoreLayout } from './layout.js';
import { rescue } from './rescue.js';
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
  readonly #layout: StoreLayout;
  readonly #known = new Map<string, Image>();

  constructor(store: Store) {
    this.#layout = store.layout;
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
    const isBack = rescue(this.#layout, normalizeName(key.name), ending(key, cacheTag));
    return isBack ? this.#read(key, cacheTag) : undefined;
  }

  /** As `find`. Throws IMAGE_MISSING. */
  open(key: OutlineKey, cacheTag?: string): Image {
    const found = this.find(key, cacheTag);
    if (found) return found;
    const what = cacheTag === undefined ? 'image' : `bytecode for ${cacheTag}`;
    throw new ShenvError('IMAGE_MISSING', `The store has no ${what} of ${key.name} ${key.version}`, {
      hint: 'Add the wheel again with `shenv-fs store add FILE.whl`, or sync the environment anew.',
      path: this.#layout.images,
    });
  }

  /** For its metadata, which bytecode does not change: the image that an environment will show, if it is there. */
  describe(key: OutlineKey, cacheTag: string): Image | undefined {
    return this.find(key, cacheTag) ?? this.find(key);
  }

  /** The wheels' images of one distribution in one version. */
  listVersion(name: string, version: string): Image[] {
    return [...this.#foldersOf(name, version)].flatMap((folder) =>
      listFolder(folder)
        .filter((file) => /-[0-9a-f]{16}\.img$/.test(file))
        .flatMap((file) => outlineOf(join(folder, file)) ?? []),
    );
  }

  #readNamed({ wheelFilename, wheelDigest }: OutlineKey, cacheTag: string | undefined): Image | undefined {
    if (wheelFilename === undefined) return undefined;
    const { folder, file } = imagePlace(wheelFilename, wheelDigest);
    const path = join(
      this.#layout.images,
      folder,
      cacheTag === undefined ? file : bytecodeName(file, cacheTag),
    );
    const image = outlineOf(path);
    return image?.wheelDigest === wheelDigest ? image : undefined;
  }

  #read(key: ImageKey, cacheTag: string | undefined): Image | undefined {
    for (const folder of this.#foldersOf(key.name, key.version)) {
      for (const file of listFolder(folder)) {
        if (!file.endsWith(ending(key, cacheTag))) continue;
        const image = outlineOf(join(folder, file));
        if (image?.wheelDigest === key.wheelDigest) return image;
      }
    }
    return undefined;
  }

  /** Folders of a version: a wheel's name may spell it otherwise (`1.0` and `1.0.0`). */
  *#foldersOf(name: string, version: string): Generator<string> {
    const folder = join(this.#layout.images, normalizeName(name));
    yield join(folder, version);
    for (const other of listFolder(folder)) {
      if (other !== version && sameVersion(other, version)) yield join(folder, other);
    }
  }
}

/** Undefined where it is not there, or not any more. */
function outlineOf(path: string): Image | undefined {
  try {
    return Image.outline(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** How the file name of an image ends. */
function ending({ wheelDigest }: ImageKey, cacheTag: string | undefined): string {
  const plain = `-${digestPrefix(wheelDigest)}${imageSuffix}`;
  return cacheTag === undefined ? plain : bytecodeName(plain, cacheTag);
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
