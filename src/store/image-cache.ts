import { LRUCache } from 'lru-cache';
import { ShenvError } from '../base/errors.js';
import type { Image } from '../image/read.js';
import { findBytecode } from './bytecode.js';
import type { Store } from './store.js';

export interface ImageKey {
  name: string;
  version: string;
  wheelDigest: Image['wheelDigest'];
}

/** Loaded images by wheel digest and cache tag: environments share them in memory as they do on disk. */
export class ImageCache {
  readonly #store: Store;
  readonly #images: LRUCache<string, Promise<Image>>;

  constructor(store: Store, maxImages = 4096) {
    this.#store = store;
    this.#images = new LRUCache({ max: maxImages });
  }

  /** A wheel's image, or that with bytecode for `cacheTag`. Throws IMAGE_MISSING and what `Image.open` throws. */
  open(key: ImageKey, cacheTag?: string): Promise<Image> {
    const id = `${key.wheelDigest} ${cacheTag ?? ''}`;
    const known = this.#images.get(id);
    if (known) return known;
    const loading = this.#load(key, cacheTag);
    this.#images.set(id, loading);
    loading.catch(() => this.#images.delete(id));
    return loading;
  }

  /** Images whose files at `paths` were replaced, and bytecode of them, are loaded anew when they are next asked for. */
  async forget(paths: ReadonlySet<string>): Promise<void> {
    for (const [id, loading] of [...this.#images.entries()]) {
      const image = await loading.catch(() => undefined);
      if (image && [image.path, image.base?.path].some((path) => path !== undefined && paths.has(path)))
        this.#images.delete(id);
    }
  }

  async #load(key: ImageKey, cacheTag: string | undefined): Promise<Image> {
    if (cacheTag === undefined) return this.#store.open(key.name, key.version, key.wheelDigest);
    const bytecode = await findBytecode(this.#store, await this.open(key), cacheTag);
    if (bytecode) return bytecode;
    throw new ShenvError(
      'IMAGE_MISSING',
      `The store has no bytecode of ${key.name} ${key.version} for ${cacheTag}`,
      {
        hint: 'Create the environment again.',
      },
    );
  }
}
