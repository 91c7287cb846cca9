import { LRUCache } from 'lru-cache';
import type { Image } from '../image/read.js';
import type { Store } from './store.js';

/** Loaded images by wheel digest: environments share them in memory as they do on disk. */
export class ImageCache {
  readonly #store: Store;
  readonly #images: LRUCache<string, Promise<Image>>;

  constructor(store: Store, maxImages = 4096) {
    this.#store = store;
    this.#images = new LRUCache({ max: maxImages });
  }

  /** Throws what `Store.open` throws; a failure is not remembered. */
  async open(reference: {
    name: string;
    version: string;
    wheelDigest: Image['wheelDigest'];
  }): Promise<Image> {
    const { name, version, wheelDigest } = reference;
    const known = this.#images.get(wheelDigest);
    if (known) return known;
    const loading = this.#store.open(name, version, wheelDigest);
    this.#images.set(wheelDigest, loading);
    loading.catch(() => this.#images.delete(wheelDigest));
    return loading;
  }
}
