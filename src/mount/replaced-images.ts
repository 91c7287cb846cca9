import { stat } from 'node:fs/promises';
import { unless } from '../base/errors.js';
import type { Image } from '../image/read.js';
import { isAt } from '../image/stamp.js';
import { readRenewals } from '../store/renewals.js';
import type { Store } from '../store/store.js';
import type { View } from '../view/tree.js';

/** Finds images of sealed environments whose files were replaced, maybe by another host. */
export class ReplacedImages {
  readonly #store: Store;
  /** Undefined before the first look. */
  #renewals: string | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Paths of images whose files are not what was sealed of them. Looks at the images only after the store has noted that
   * some were replaced.
   */
  async find(views: Iterable<Promise<View> | undefined>): Promise<string[]> {
    const renewals = (await Promise.all(this.#store.layouts.map(readRenewals))).join(' ');
    const before = this.#renewals;
    if (before === undefined) this.#renewals = renewals;
    if (before === undefined || before === renewals) return [];
    const shown = await Promise.all([...views].map((view) => view?.catch(() => undefined)));
    const layers = shown.flatMap((view) => view?.layers ?? []);
    const images = new Set(layers.flatMap(({ image }) => (image.base ? [image, image.base] : [image])));
    const replaced = await Promise.all(
      [...images].map(async (image) => ((await isReplaced(image)) ? [image.path] : [])),
    );
    // After all: where one could not be looked at, all are looked at again.
    this.#renewals = renewals;
    return replaced.flat();
  }
}

async function isReplaced({ path, sealed }: Image): Promise<boolean> {
  if (!sealed) return false;
  const status = await unless('ENOENT', stat(path));
  return status === undefined || !isAt(status, sealed.stamp);
}
