import { isRefusal } from '../base/errors.js';
import type { Manifest } from '../manifest/types.js';
import { type HomeId, identifyHome, isHomeKnown, noteHome } from '../store/homes.js';
import type { StoreLayout } from '../store/layout.js';
import { registerRoots, retireRoots } from '../store/roots.js';
import type { Store } from '../store/store.js';

/** Tells a store what the generations of one home refer to, before they are published and after they are gone. */
export class Registration {
  readonly #home: string;
  readonly #store: Store;
  #id: Promise<HomeId> | undefined;

  constructor(home: string, store: Store) {
    this.#home = home;
    this.#store = store;
  }

  /**
   * Registers generations that are to be published; durable when it returns. `existing` is asked for all that are
   * published already when the store does not know this home (it was copied, or is older than its store).
   */
  async register(manifests: readonly Manifest[], existing: () => Promise<Manifest[]>): Promise<void> {
    await this.#whereWritable(async (id, layout) => {
      const isKnown = await isHomeKnown(layout, id);
      await registerRoots(layout, id, isKnown ? manifests : [...(await existing()), ...manifests]);
      await noteHome(layout, id, this.#home);
    });
  }

  /** Gives up the roots of an environment that is gone, or of those of its generations that `isGone` picks. */
  async retire(serial: number, isGone: (generation: number) => boolean = () => true): Promise<void> {
    await this.#whereWritable((id, layout) =>
      retireRoots(layout, id, (key) => key.serial === serial && isGone(key.generation)),
    );
  }

  /** In each store. Whoever looks after one that cannot be written from here decides what it keeps. */
  async #whereWritable(work: (id: HomeId, layout: StoreLayout) => Promise<void>): Promise<void> {
    for (const layout of this.#store.layouts) {
      try {
        await work(await this.#identify(), layout);
      } catch (error) {
        if (!isRefusal(error)) throw error;
      }
    }
  }

  #identify(): Promise<HomeId> {
    this.#id ??= identifyHome(this.#home);
    return this.#id;
  }
}
