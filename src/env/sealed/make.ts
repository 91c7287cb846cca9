import { sha256 } from '../../base/digest.js';
import { readFully } from '../../base/read-fully.js';
import { openTrusted } from '../../base/trust.js';
import type { Image } from '../../image/read.js';
import { stampOf } from '../../image/stamp.js';
import { encodeManifest } from '../../manifest/codec.js';
import type { Manifest } from '../../manifest/types.js';
import { readInterpreter } from '../../python/interpreter-record.js';
import { ImageCache } from '../../store/image-cache.js';
import { ImageContents } from '../../store/image-contents.js';
import { readRenewals } from '../../store/renewals.js';
import type { Store } from '../../store/store.js';
import { render } from '../../view/render.js';
import type { GeneratedEntry, View, ViewDirectory } from '../../view/tree.js';
import { loadView } from '../load-view.js';
import { encodeSealed, type SealedImage, type SealedInput } from './format.js';

/**
 * The sealed metadata of one generation, whose images are in the store: what a mount needs to answer everything but
 * reads. Throws what composing it throws.
 */
export async function makeSealed(store: Store, interpreters: string, manifest: Manifest): Promise<Buffer> {
  // Before the images: what is replaced meanwhile is then seen to be.
  const renewals = await Promise.all(store.layouts.map(readRenewals));
  const interpreter = await readInterpreter(interpreters, manifest.interpreter);
  const view = await loadView(manifest, new ImageCache(store), interpreters);
  const images = listImages(view);
  const sealed: SealedImage[] = [];
  for (const image of images) sealed.push(await describeImage(store, image, images));
  const metadata = {
    interpreter,
    renewals,
    images: sealed,
    layers: view.layers.map(({ image }) => images.indexOf(image)),
  };
  return encodeSealed(sha256(encodeManifest(manifest)), metadata, await collectInputs(view, images));
}

/** Each once, a wheel's before that with its bytecode. */
function listImages({ layers }: View): Image[] {
  return [...new Set(layers.flatMap(({ image }) => (image.base ? [image.base, image] : [image])))];
}

async function describeImage(store: Store, image: Image, images: readonly Image[]): Promise<SealedImage> {
  const { path, trust, base, header } = image;
  const at = store.parts.findIndex((part) => part.pathWithin(path) !== undefined);
  const file = await openTrusted(path, trust);
  try {
    const { offset, length } = header.sections.meta;
    return {
      store: at,
      path: store.parts[at]!.pathWithin(path)!,
      stamp: stampOf(await file.stat()),
      metadata: await readFully(file, 0, offset + length),
      base: base ? images.indexOf(base) : null,
    };
  } finally {
    await file.close();
  }
}

/** Every file of images that a generated file is made of: RECORDs, and scripts whose first line is written anew. */
async function collectInputs(view: View, images: readonly Image[]): Promise<SealedInput[]> {
  const contents = new ImageContents();
  const found = new Map<string, SealedInput>();
  const context = {
    path: '/sealed',
    name: 'sealed',
    systemSitePackages: view.systemSitePackages,
    readContents: async (image: Image, node: number) => {
      const data = await contents.readAll(image, node);
      const at = images.indexOf(image);
      found.set(`${at}:${node}`, [at, node, data]);
      return data;
    },
  };
  try {
    for (const { content } of generatedOf(view.root)) await render(view, content, context);
    return [...found.values()];
  } finally {
    contents.close();
  }
}

function* generatedOf(directory: ViewDirectory): Generator<GeneratedEntry> {
  for (const entry of directory.entries.values()) {
    if (entry.kind === 'directory') yield* generatedOf(entry);
    else if (entry.kind === 'generated') yield entry;
  }
}
