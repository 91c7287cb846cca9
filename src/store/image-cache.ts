import { LRUCache } from 'lru-cache';
import { ShenvError } from '../base/errors.js';
import type { Image } from '../image/read.js';
import { findBytecode } from './bytecode.js';
import type { ShownSerials } from './shown-serials.js';
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
  readonly #shown: ShownSerials | undefined;

  /** `shown`: of a mount, where no two images may have one serial. */
  constructor(store: Store, shown?: ShownSerials, maxImages = 4096) {
    this.#store = store;
    this.#shown = shown;
    this.#images = new LRUCache({ max: maxImages });
  }

  /**
   * A wheel's image, or that with bytecode for `cacheTag`. Throws IMAGE_MISSING, for a mount SERIAL_CLASH, and what
   * `Image.open` throws.
   */
  open(key: ImageKey, cacheTag?: string): Promise<Image> {
    const id = `${key.wheelDigest} ${cacheTag ?? ''}`;
    const known = this.#images.get(id);
    if (known) return known;
    const loading = this.#admit(key, cacheTag);
    this.#images.set(id, loading);
    loading.catch(() => this.#images.delete(id));
    return loading;
  }

  /** How many are loaded. */
  get count(): number {
    return this.#images.size;
  }

  /** An image that was made without the store; what is loaded already is taken instead. Throws SERIAL_CLASH. */
  async offer(key: ImageKey, cacheTag: string | undefined, make: () => Image): Promise<Image> {
    const id = `${key.wheelDigest} ${cacheTag ?? ''}`;
    // Without a wait where nothing is loading, so that of two views that offer an image at once both get one.
    const loading = this.#images.get(id);
    const known = loading && (await loading.catch(() => undefined));
    if (known) return known;
    const image = make();
    this.#shown?.admit(image);
    this.#images.set(id, Promise.resolve(image));
    return image;
  }

  /** Images whose files at `paths` were replaced, and bytecode of them, are loaded anew when they are next asked for. */
  async forget(paths: ReadonlySet<string>): Promise<void> {
    for (const [id, loading] of [...this.#images.entries()]) {
      const image = await loading.catch(() => undefined);
      if (image && [image.path, image.base?.path].some((path) => path !== undefined && paths.has(path)))
        this.#images.delete(id);
    }
  }

  async #admit(key: ImageKey, cacheTag: string | undefined): Promise<Image> {
    const image = await this.#load(key, cacheTag);
    this.#shown?.admit(image);
    return image;
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
