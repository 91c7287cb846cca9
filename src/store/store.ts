import { basename, join } from 'node:path';
import type { Digest } from '../base/brands.js';
import { ShenvError, unless } from '../base/errors.js';
import { readWheelDigest } from '../image/digests.js';
import { Image } from '../image/read.js';
import { normalizeName, sameVersion } from '../wheel/filename.js';
import { listFolder, StorePart } from './chain.js';
import { digestPrefix, imageNameOf, imageSuffix, type StoreLayout } from './layout.js';
import { HeldLease } from './leases.js';
import { prepareStore } from './prepare.js';
import { rescue } from './rescue.js';

const mostTries = 3;

/** An image of the store by its place; nothing of it is read yet. */
export interface StoredImage {
  name: string;
  version: string;
  path: string;
  /** The store that it is in. */
  part: StorePart;
}

/**
 * The images that environments share: one store that is written, and those below it, which look-ups fall through to.
 * Its only state are the leases of the operation that is under way.
 */
export class Store {
  readonly parts: readonly [StorePart, ...StorePart[]];
  #operations = 0;
  #leases: Promise<(HeldLease | undefined)[]> | undefined;

  /** `upstreams`: stores that are there. */
  constructor(root: string, upstreams: readonly string[] = []) {
    this.parts = [new StorePart(root), ...upstreams.map((upstream) => new StorePart(upstream))];
  }

  /** The one that is written. */
  get first(): StorePart {
    return this.parts[0];
  }

  get layout(): StoreLayout {
    return this.first.layout;
  }

  /** Every one's; that of the store that is written comes first. */
  get layouts(): StoreLayout[] {
    return this.parts.map(({ layout }) => layout);
  }

  /**
   * Does `work` under a lease in each store, so that no gc removes what it finds in the store and has not referred to yet. An operation
   * within another one shares its lease. `what` is for people who ask what gc waits for.
   */
  async during<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.#operations += 1;
    try {
      this.#leases ??= Promise.all(this.layouts.map((layout) => HeldLease.take(layout, 'operation', what)));
      await this.#leases;
      return await work();
    } finally {
      this.#operations -= 1;
      if (this.#operations === 0) {
        const leases = this.#leases;
        this.#leases = undefined;
        for (const lease of (await leases) ?? []) await lease?.end();
      }
    }
  }

  /** Makes the folders of the store that is written. Throws STORE_UNUSABLE where they cannot be, or are not sound. */
  async prepare(): Promise<void> {
    await prepareStore(this.first);
  }

  /**
   * Every image, sorted by name; of one distribution the first store's come first. What nobody believes is among them
   * until it is read. An empty store where there is no folder.
   */
  async *list(): AsyncGenerator<StoredImage> {
    const names = new Set<string>();
    for (const part of this.parts) for (const name of await part.distributions()) names.add(name);
    for (const name of [...names].sort()) yield* this.listOf(name);
  }

  /** The images of one distribution in any version. */
  async *listOf(name: string): AsyncGenerator<StoredImage> {
    for (const part of this.parts) {
      for (const { version, folder } of await part.versionFolders(name)) {
        for (const file of await listFolder(folder)) {
          if (isWheelImage(file))
            yield { name: normalizeName(name), version, path: join(folder, file), part };
        }
      }
    }
  }

  /** Opens an image that was listed; undefined where it is gone, or nobody believes its owner. Throws as `Image.open`. */
  async read({ path, part }: StoredImage): Promise<Image | undefined> {
    return unless('ENOENT', Image.open(path, undefined, part.trust));
  }

  /** Takes the images of a wheel back that a gc has condemned, bytecode too; true when there was one. */
  rescue(name: string, wheelDigest: Digest): boolean {
    const wheel = imageNameOf(wheelDigest);
    const rescued = this.parts.flatMap((part) =>
      part.distributionFolders(name).map((folder) => rescue(part, basename(folder), wheel)),
    );
    return rescued.includes(true);
  }

  /** The image of the wheel with this digest, or undefined; one that a gc has condemned is taken back. */
  async find(name: string, version: string, digest: Digest): Promise<StoredImage | undefined> {
    const ending = `-${digestPrefix(digest)}${imageSuffix}`;
    const found = await this.#findPlaced(name, version, digest, ending);
    if (found || !this.rescue(name, digest)) return found;
    return this.#findPlaced(name, version, digest, ending);
  }

  async #findPlaced(
    name: string,
    version: string,
    digest: Digest,
    ending: string,
  ): Promise<StoredImage | undefined> {
    for await (const image of this.listOf(name)) {
      if (!image.path.endsWith(ending) || !sameVersion(image.version, version)) continue;
      const found = await unless('ENOENT', readWheelDigest(image.path, image.part.trust));
      if (found === digest) return image;
    }
    return undefined;
  }

  /** The image of a wheel built from the source distribution with this digest that fits one of `tags`. */
  async findBuilt(
    name: string,
    version: string,
    source: Digest,
    tags: ReadonlySet<string>,
  ): Promise<Image | undefined> {
    for await (const stored of this.listOf(name)) {
      if (!sameVersion(stored.version, version)) continue;
      const image = await this.read(stored);
      if (image?.meta.builtFrom === source && image.meta.tags.some((tag) => tags.has(tag))) return image;
    }
    return undefined;
  }

  /** Opens the image that a layer refers to. Throws IMAGE_MISSING when the store lacks it. */
  async open(name: string, version: string, digest: Digest): Promise<Image> {
    for (let tries = 0; tries < mostTries; tries += 1) {
      const stored = await this.find(name, version, digest);
      if (!stored) break;
      // A gc may condemn it in between; then the next look-up takes it back.
      const image = await this.read(stored);
      if (image) return image;
    }
    throw new ShenvError(
      'IMAGE_MISSING',
      `The store has no image of ${name} ${version} (wheel ${digest.slice(0, 16)}…)`,
      {
        hint: 'Add the wheel again with `shenv-fs store add FILE.whl`, or run `shenv-fs store repair`.',
        path: this.layout.images,
      },
    );
  }
}

/** Not an image of bytecode: `<tags>-<digest prefix>.img` without a cache tag. */
function isWheelImage(file: string): boolean {
  return /-[0-9a-f]{16}\.img$/.test(file);
}
