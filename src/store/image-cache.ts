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

/**
 * Loaded images by wheel digest and cache tag: environments share them in memory as they do on disk. It keeps those that
 * were asked for last, and finds all others that somebody still holds.
 */
export class ImageCache {
  readonly #store: Store;
  readonly #recent: LRUCache<string, Promise<Image>>;
  readonly #held = new Map<string, WeakRef<Image>>();
  readonly #collected = new FinalizationRegistry<string>((id) => {
    if (this.#held.get(id)?.deref() === undefined) this.#held.delete(id);
  });
  readonly #shown: ShownSerials | undefined;

  /** `shown`: of a mount, where no two images may have one serial. `mostKept` is how many it keeps that nobody holds. */
  constructor(store: Store, shown?: ShownSerials, mostKept = 4096) {
    this.#store = store;
    this.#shown = shown;
    this.#recent = new LRUCache({ max: mostKept });
  }

  /**
   * A wheel's image, or that with bytecode for `cacheTag`. Throws IMAGE_MISSING, for a mount SERIAL_CLASH, and what
   * `Image.open` throws.
   */
  open(key: ImageKey, cacheTag?: string): Promise<Image> {
    const id = `${key.wheelDigest} ${cacheTag ?? ''}`;
    const known = this.#find(id);
    if (known) return known;
    const loading = this.#admit(key, cacheTag);
    this.#recent.set(id, loading);
    loading.then(
      (image) => this.#note(id, image),
      () => this.#recent.delete(id),
    );
    return loading;
  }

  /** How many are loaded. */
  get count(): number {
    return this.#ids().length;
  }

  /** An image that was made without the store; what is loaded already is taken instead. Throws SERIAL_CLASH. */
  async offer(key: ImageKey, cacheTag: string | undefined, make: () => Image): Promise<Image> {
    const id = `${key.wheelDigest} ${cacheTag ?? ''}`;
    // Without a wait where nothing is loading, so that of two views that offer an image at once both get one.
    const loading = this.#find(id);
    const known = loading && (await loading.catch(() => undefined));
    if (known) return known;
    const image = make();
    this.#shown?.admit(image);
    this.#recent.set(id, Promise.resolve(image));
    this.#note(id, image);
    return image;
  }

  /** Images whose files at `paths` were replaced, and bytecode of them, are loaded anew when they are next asked for. */
  async forget(paths: ReadonlySet<string>): Promise<void> {
    for (const id of this.#ids()) {
      const image = (await this.#recent.peek(id)?.catch(() => undefined)) ?? this.#held.get(id)?.deref();
      if (!image || ![image.path, image.base?.path].some((path) => path !== undefined && paths.has(path)))
        continue;
      this.#recent.delete(id);
      this.#held.delete(id);
    }
  }

  #ids(): string[] {
    const held = [...this.#held].filter(([, image]) => image.deref() !== undefined).map(([id]) => id);
    return [...new Set([...this.#recent.keys(), ...held])];
  }

  #find(id: string): Promise<Image> | undefined {
    const recent = this.#recent.get(id);
    if (recent) return recent;
    const image = this.#held.get(id)?.deref();
    if (!image) return undefined;
    const again = Promise.resolve(image);
    this.#recent.set(id, again);
    return again;
  }

  #note(id: string, image: Image): void {
    this.#held.set(id, new WeakRef(image));
    this.#collected.register(image, id);
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
