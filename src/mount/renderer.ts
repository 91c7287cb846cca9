import { LRUCache } from 'lru-cache';
import type { ImageContents } from '../store/image-contents.js';
import { render } from '../view/render.js';
import type { GeneratedEntry, View } from '../view/tree.js';

const cacheBytes = 64 << 20;

/** Makes generated files on demand; the last 64 MiB of them stay, each until it is forgotten with its view. */
export class Renderer {
  readonly contents: ImageContents;
  readonly #pathOf: (environmentSerial: number) => { path: string; name: string };
  readonly #cache: LRUCache<GeneratedEntry, Buffer>;

  constructor(
    contents: ImageContents,
    pathOf: (environmentSerial: number) => { path: string; name: string },
  ) {
    this.contents = contents;
    this.#pathOf = pathOf;
    this.#cache = new LRUCache({ maxSize: cacheBytes, sizeCalculation: (data) => data.length + 64 });
  }

  /** Bytes of generated files that are kept. */
  get keptBytes(): number {
    return this.#cache.calculatedSize;
  }

  /** Its view is shown no more. */
  forget(entry: GeneratedEntry): void {
    this.#cache.delete(entry);
  }

  /**
   * The bytes of a generated file. A volatile one is made anew only with `fresh` (when it is looked
   * at), so that a reader gets the content whose size it was told.
   */
  async render(view: View, entry: GeneratedEntry, fresh = false): Promise<Buffer> {
    const known = this.#cache.get(entry);
    if (known && !(fresh && entry.content.type === 'volatile')) return known;
    const made = await render(view, entry.content, {
      ...this.#pathOf(view.environmentSerial),
      systemSitePackages: view.systemSitePackages,
      readContents: (image, node) => this.contents.readAll(image, node),
    });
    const kept = alone(made);
    this.#cache.set(entry, kept);
    return kept;
  }
}

/** Small buffers share memory of 8 KiB with others of their time; one that stays would keep all of that. */
function alone(data: Buffer): Buffer {
  if (data.length === data.buffer.byteLength) return data;
  const copy = Buffer.allocUnsafeSlow(data.length);
  data.copy(copy);
  return copy;
}
