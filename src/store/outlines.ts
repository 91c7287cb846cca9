import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ShenvError, systemErrorCode } from '../base/errors.js';
import { Image } from '../image/read.js';
import { normalizeName, sameVersion } from '../wheel/filename.js';
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
  readonly #images: string;
  readonly #known = new Map<string, Image>();

  constructor(store: Store) {
    this.#images = store.layout.images;
  }

  /** A wheel's image, or that with bytecode for `cacheTag`; undefined where the store has none. */
  find(key: OutlineKey, cacheTag?: string): Image | undefined {
    const id = `${key.wheelDigest} ${cacheTag ?? ''}`;
    const known = this.#known.get(id) ?? this.#readNamed(key, cacheTag) ?? this.#read(key, cacheTag);
    if (known) this.#known.set(id, known);
    return known;
  }

  /** As `find`. Throws IMAGE_MISSING. */
  open(key: OutlineKey, cacheTag?: string): Image {
    const found = this.find(key, cacheTag);
    if (found) return found;
    const what = cacheTag === undefined ? 'image' : `bytecode for ${cacheTag}`;
    throw new ShenvError('IMAGE_MISSING', `The store has no ${what} of ${key.name} ${key.version}`, {
      hint: 'Add the wheel again with `shenv-fs store add FILE.whl`, or sync the environment anew.',
      path: this.#images,
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
        .map((file) => Image.outline(join(folder, file))),
    );
  }

  #readNamed({ wheelFilename, wheelDigest }: OutlineKey, cacheTag: string | undefined): Image | undefined {
    if (wheelFilename === undefined) return undefined;
    const { folder, file } = imagePlace(wheelFilename, wheelDigest);
    const path = join(this.#images, folder, cacheTag === undefined ? file : bytecodeName(file, cacheTag));
    try {
      const image = Image.outline(path);
      return image.wheelDigest === wheelDigest ? image : undefined;
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #read(key: ImageKey, cacheTag: string | undefined): Image | undefined {
    const plain = `-${digestPrefix(key.wheelDigest)}${imageSuffix}`;
    const ending = cacheTag === undefined ? plain : bytecodeName(plain, cacheTag);
    for (const folder of this.#foldersOf(key.name, key.version)) {
      for (const file of listFolder(folder)) {
        if (!file.endsWith(ending)) continue;
        const image = Image.outline(join(folder, file));
        if (image.wheelDigest === key.wheelDigest) return image;
      }
    }
    return undefined;
  }

  /** Folders of a version: a wheel's name may spell it otherwise (`1.0` and `1.0.0`). */
  *#foldersOf(name: string, version: string): Generator<string> {
    const folder = join(this.#images, normalizeName(name));
    yield join(folder, version);
    for (const other of listFolder(folder)) {
      if (other !== version && sameVersion(other, version)) yield join(folder, other);
    }
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
