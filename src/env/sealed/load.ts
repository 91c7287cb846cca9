import { type FileHandle, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../base/brands.js';
import { sha256 } from '../../base/digest.js';
import { ShenvError, systemErrorCode } from '../../base/errors.js';
import { pack } from '../../base/msgpack.js';
import { readFully } from '../../base/read-fully.js';
import { openTrusted, Trust } from '../../base/trust.js';
import { Image, type SealedPart } from '../../image/read.js';
import { isAt } from '../../image/stamp.js';
import { encodeManifest } from '../../manifest/codec.js';
import type { Layer, Manifest } from '../../manifest/types.js';
import { refersTo } from '../../store/bytecode.js';
import type { ImageCache } from '../../store/image-cache.js';
import { readRenewals } from '../../store/renewals.js';
import type { Store } from '../../store/store.js';
import type { View } from '../../view/tree.js';
import { composeImages } from '../load-view.js';
import type { UpperState } from '../upper-folder.js';
import {
  decodeSealedHeader,
  decodeSealedMetadata,
  SealedFault,
  type SealedHeader,
  type SealedImage,
  type SealedMetadata,
} from './format.js';
import { SealedInputs } from './inputs.js';

/** More than the header; a small environment as a whole. */
const firstReadBytes = 262_144;

/** A sealed file that was read: everything in it is checked, nothing of the store was looked at. */
export interface ReadSealed {
  path: string;
  header: SealedHeader;
  metadata: SealedMetadata;
}

/** Undefined where there is none. Throws SEALED_UNUSABLE for one that is damaged or of another manifest. */
export async function readSealed(path: string, manifest: Manifest): Promise<ReadSealed | undefined> {
  return withFault(path, async () => {
    const file = await openSealed(path);
    if (!file) return undefined;
    try {
      const { size } = await file.stat();
      const first = await readFully(file, 0, Math.min(firstReadBytes, size));
      const header = decodeSealedHeader(first, size);
      if (header.manifest !== sha256(encodeManifest(manifest)))
        throw new SealedFault('it is of another generation');
      const { offset, storedBytes } = header.metadata;
      const rest = await readFully(file, first.length, Math.max(0, offset + storedBytes - first.length));
      const stored = Buffer.concat([first, rest]).subarray(offset, offset + storedBytes);
      return { path, header, metadata: await decodeSealedMetadata(stored, header.metadata) };
    } finally {
      await file.close();
    }
  });
}

/**
 * Composes a generation from its sealed metadata, as `loadView` does from its images; of the store only what may have
 * been replaced is looked at. Undefined where there are none. Throws SEALED_UNUSABLE where they are damaged or not true any more: then the images tell.
 */
export async function loadSealed(
  path: string,
  manifest: Manifest,
  store: Store,
  images: ImageCache,
  upper: UpperState = 'none',
): Promise<View | undefined> {
  const sealed = await readSealed(path, manifest);
  if (!sealed) return undefined;
  return withFault(path, async () => {
    await assertFresh(store, sealed.metadata);
    const { interpreter } = sealed.metadata;
    if (sha256(pack(interpreter)) !== manifest.interpreter)
      throw new SealedFault('its interpreter is another');
    const made = await makeImages(sealed, manifest, store, images);
    return composeImages(manifest, interpreter, made, upper);
  });
}

/** Turns what is found wrong into the user's error. */
async function withFault<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const isOfImage = cause instanceof ShenvError && cause.code.startsWith('IMAGE_');
    if (!(cause instanceof SealedFault) && !isOfImage) throw cause;
    throw new ShenvError('SEALED_UNUSABLE', `${path} cannot be used: ${cause.message}`, {
      hint: 'Run `shenv-fs seal` for this environment again; until then its images are read.',
      path,
      cause,
    });
  }
}

async function openSealed(path: string): Promise<FileHandle | undefined> {
  try {
    return await openTrusted(path, Trust.ofFolder(join(path, '..')));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** One image of each store, or all of one in which images were replaced since. Throws SealedFault. */
async function assertFresh(store: Store, { images, renewals }: SealedMetadata): Promise<void> {
  for (const index of new Set(images.map((image) => image.store))) {
    const part = store.parts[index];
    if (!part)
      throw new SealedFault(`it shows images of ${index + 1} stores, and ${store.parts.length} are named`);
    const its = images.filter((image) => image.store === index);
    const isAsThen = (await readRenewals(part.layout)) === renewals[index];
    await Promise.all((isAsThen ? its.slice(0, 1) : its).map((image) => assertThere(store, image)));
  }
}

async function assertThere(store: Store, image: SealedImage): Promise<void> {
  const path = pathOf(store, image);
  const status = await stat(path).catch((error: unknown) => {
    throw new SealedFault(`${path} cannot be seen (${systemErrorCode(error)})`);
  });
  if (!isAt(status, image.stamp)) throw new SealedFault(`${path} was replaced since`);
}

function pathOf(store: Store, { store: index, path }: SealedImage): string {
  return join(store.parts[index]!.layout.images, path);
}

/** For each layer the image that it shows. Throws SealedFault, IMAGE_DAMAGED, IMAGE_VERSION, SERIAL_CLASH. */
async function makeImages(
  { path, header, metadata }: ReadSealed,
  manifest: Manifest,
  store: Store,
  images: ImageCache,
): Promise<Image[]> {
  if (metadata.layers.length !== manifest.layers.length) throw new SealedFault('its layers are others');
  const inputs = new SealedInputs(path, header.inputs);
  const made = new Map<number, Image>();
  const make = async (index: number, layer: Layer): Promise<Image> => {
    const known = made.get(index);
    if (known) return known;
    const sealed = metadata.images[index]!;
    const base = sealed.base === null ? undefined : await make(sealed.base, layer);
    const key = { ...layer.image };
    const image = await images.offer(key, base ? layer.bytecode : undefined, () =>
      makeImage(store, sealed, base, partOf(sealed, inputs, index)),
    );
    made.set(index, image);
    return image;
  };
  const found: Image[] = [];
  try {
    for (const [at, layer] of manifest.layers.entries()) {
      const image = await make(metadata.layers[at]!, layer);
      assertShows(image, layer);
      found.push(image);
    }
    return found;
  } catch (error) {
    // What was made before is not taken for what the images say.
    await images.forget(new Set([...made.values()].map((image) => image.path)));
    throw error;
  }
}

function makeImage(store: Store, sealed: SealedImage, base: Image | undefined, part: SealedPart): Image {
  const { trust } = store.parts[sealed.store]!;
  const image = Image.fromSealed(pathOf(store, sealed), part, base, trust);
  if (base && !(image.wheelDigest === base.wheelDigest && refersTo(image, base)))
    throw new SealedFault(`${image.path} does not fit ${base.path}`);
  return image;
}

function partOf({ metadata, stamp }: SealedImage, inputs: SealedInputs, index: number): SealedPart {
  return { metadata, stamp, readInput: (node) => inputs.read(index, node) };
}

function assertShows(image: Image, { image: { wheelDigest }, bytecode }: Layer): void {
  const isIts = image.wheelDigest === (wheelDigest as Digest) && image.meta.cacheTag === bytecode;
  if (!isIts) throw new SealedFault(`${image.path} is not what its layer shows`);
}
