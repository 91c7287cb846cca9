import type { Logger } from '../base/log.js';
import type { Image } from '../image/read.js';
import type { ShownSerials } from '../store/shown-serials.js';
import type { Store, StoredImage } from '../store/store.js';
import { composeControlView, controlName } from '../view/control-view.js';
import type { View } from '../view/tree.js';
import type { Publication } from './engine.js';
import { logFailure } from './log-events.js';

interface ControlOptions {
  /** Content of `.shenv/status.json`. */
  status: () => string;
  serials: ShownSerials;
  /** Under the paths of images: why they cannot be shown. */
  failures: Map<string, string>;
  log: Logger;
}

/** `.shenv`: the daemon's state and what lies in the store, listed on first use. */
export class ControlFolder {
  readonly #store: Store;
  readonly #options: ControlOptions;
  #view: Promise<View> | undefined;

  constructor(store: Store, options: ControlOptions) {
    this.#store = store;
    this.#options = options;
  }

  load(): Promise<View> {
    this.#view ??= this.#compose();
    return this.#view;
  }

  /** What an engine has to publish; nothing where nobody has looked into it. */
  async reload(): Promise<Publication['replaced']> {
    const old = await this.#view;
    if (!old) return [];
    this.#view = this.#compose();
    return [{ name: controlName, before: old, after: await this.#view }];
  }

  async #compose(): Promise<View> {
    const { failures, status } = this.#options;
    const images: Image[] = [];
    for (const key of failures.keys()) if (key.startsWith('/')) failures.delete(key);
    const wheels = new Set<string>();
    for await (const stored of this.#store.list()) {
      const image = await this.#read(stored);
      if (!image || wheels.has(image.wheelDigest)) continue;
      wheels.add(image.wheelDigest);
      images.push(image);
    }
    return composeControlView(images, status, BigInt(Date.now()) * 1_000_000n);
  }

  /** Undefined for what cannot be shown. */
  async #read(stored: StoredImage): Promise<Image | undefined> {
    const { failures, log, serials } = this.#options;
    try {
      const image = await this.#store.read(stored);
      if (image) serials.admit(image);
      failures.delete(stored.path);
      return image;
    } catch (error) {
      failures.set(stored.path, error instanceof Error ? error.message : String(error));
      logFailure(log, 'image-unreadable', stored.path, error);
      return undefined;
    }
  }
}
