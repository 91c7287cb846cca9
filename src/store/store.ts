import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../base/brands.js';
import { ShenvError, systemErrorCode, unless } from '../base/errors.js';
import { Image, readWheelDigest } from '../image/read.js';
import { normalizeName, sameVersion } from '../wheel/filename.js';
import { digestPrefix, imageSuffix, type StoreLayout, storeLayout } from './layout.js';
import { HeldLease } from './leases.js';
import { rescue } from './rescue.js';

const mostTries = 3;

/** An image of the store by its place; nothing of it is read yet. */
export interface StoredImage {
  name: string;
  version: string;
  path: string;
}

/** The folder of images that environments share. Its only state is the lease of the operation that is under way. */
export class Store {
  readonly layout: StoreLayout;
  #operations = 0;
  #lease: Promise<HeldLease | undefined> | undefined;

  constructor(root: string) {
    this.layout = storeLayout(root);
  }

  /**
   * Does `work` under a lease, so that no gc removes what it finds in the store and has not referred to yet. An operation
   * within another one shares its lease. `what` is for people who ask what gc waits for.
   */
  async during<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.#operations += 1;
    try {
      this.#lease ??= HeldLease.take(this.layout, 'operation', what);
      await this.#lease;
      return await work();
    } finally {
      this.#operations -= 1;
      if (this.#operations === 0) {
        const lease = this.#lease;
        this.#lease = undefined;
        await (await lease)?.end();
      }
    }
  }

  /** Makes the folders. Throws STORE_UNUSABLE where they cannot be. */
  async prepare(): Promise<void> {
    try {
      for (const folder of [this.layout.images, this.layout.serials, this.layout.staging]) {
        await mkdir(folder, { recursive: true });
      }
    } catch (cause) {
      throw new ShenvError('STORE_UNUSABLE', `The store at ${this.layout.root} cannot be written`, {
        hint: 'Choose another place with SHENV_STORE, or get write access.',
        path: this.layout.root,
        cause,
      });
    }
  }

  /** Every image, sorted by name, version and file name; an empty store where there is no folder. */
  async *list(): AsyncGenerator<StoredImage> {
    for (const name of await listFolder(this.layout.images)) yield* this.listOf(name);
  }

  /** The images of one distribution in any version. */
  async *listOf(name: string): AsyncGenerator<StoredImage> {
    const folder = join(this.layout.images, normalizeName(name));
    for (const version of await listFolder(folder)) {
      for (const file of await listFolder(join(folder, version))) {
        if (isWheelImage(file))
          yield { name: normalizeName(name), version, path: join(folder, version, file) };
      }
    }
  }

  /** The image of the wheel with this digest, or undefined; one that a gc has condemned is taken back. */
  async find(name: string, version: string, digest: Digest): Promise<StoredImage | undefined> {
    const ending = `-${digestPrefix(digest)}${imageSuffix}`;
    const found = await this.#findPlaced(name, version, digest, ending);
    if (found || !rescue(this.layout, normalizeName(name), ending)) return found;
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
      if ((await unless('ENOENT', readWheelDigest(image.path))) === digest) return image;
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
      const image = await Image.open(stored.path);
      if (image.meta.builtFrom === source && image.meta.tags.some((tag) => tags.has(tag))) return image;
    }
    return undefined;
  }

  /** Opens the image that a layer refers to. Throws IMAGE_MISSING when the store lacks it. */
  async open(name: string, version: string, digest: Digest): Promise<Image> {
    for (let tries = 0; tries < mostTries; tries += 1) {
      const stored = await this.find(name, version, digest);
      if (!stored) break;
      // A gc may condemn it in between; then the next look-up takes it back.
      const image = await unless('ENOENT', Image.open(stored.path));
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

async function listFolder(path: string): Promise<string[]> {
  const names = await unless('ENOENT', readdir(path)).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOTDIR') return [];
    throw error;
  });
  return (names ?? []).sort();
}
