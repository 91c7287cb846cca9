import type { Layer, Manifest } from '../manifest/types.js';
import { type InterpreterRecord, readInterpreter } from '../python/interpreter-record.js';
import type { ImageCache } from '../store/image-cache.js';
import type { Outlines } from '../store/outlines.js';
import { compose } from '../view/compose.js';
import { sealedNotice } from '../view/sealed-notice.js';
import type { View, ViewLayer } from '../view/tree.js';

/** Loads what a manifest refers to and composes it. Throws IMAGE_MISSING, INTERPRETER_MISSING, PATH_CONFLICT. */
export async function loadView(manifest: Manifest, images: ImageCache, interpreters: string): Promise<View> {
  const interpreter = await readInterpreter(interpreters, manifest.interpreter);
  return composeLayers(manifest, withSealedNotice(interpreter), await loadLayers(manifest, images));
}

/** As `loadView`, for a tree that is written to disk: without the files that say that it is read-only. */
export async function loadWritableView(
  manifest: Manifest,
  images: ImageCache,
  interpreters: string,
): Promise<View> {
  const interpreter = await readInterpreter(interpreters, manifest.interpreter);
  return composeLayers(manifest, interpreter, await loadLayers(manifest, images));
}

/** Composes a manifest from images that are at hand, in the order of its layers. Throws PATH_CONFLICT. */
export function composeImages(
  manifest: Manifest,
  interpreter: InterpreterRecord,
  images: readonly ViewLayer['image'][],
): View {
  const layers = manifest.layers.map((layer, index) => viewLayer(layer, images[index]!));
  return composeLayers(manifest, withSealedNotice(interpreter), layers);
}

function loadLayers(manifest: Manifest, images: ImageCache): Promise<ViewLayer[]> {
  return Promise.all(
    manifest.layers.map(async (layer) => viewLayer(layer, await images.open(layer.image, layer.bytecode))),
  );
}

/** Composes a manifest from outlines, to find conflicts; the view is not for serving. Throws as `loadView`. */
export function composeManifest(
  manifest: Manifest,
  interpreter: InterpreterRecord,
  outlines: Outlines,
): View {
  const layers = manifest.layers.map((layer) => viewLayer(layer, outlines.open(layer.image, layer.bytecode)));
  return composeLayers(manifest, withSealedNotice(interpreter), layers);
}

function withSealedNotice(interpreter: InterpreterRecord): InterpreterRecord {
  return { ...interpreter, skeleton: [...interpreter.skeleton, ...sealedNotice] };
}

function viewLayer(layer: Layer, image: ViewLayer['image']): ViewLayer {
  const { slot, installer, directUrl, writer } = layer;
  return { image, slot, requested: layer.reason === 'requested', installer, directUrl, writer };
}

function composeLayers(manifest: Manifest, interpreter: InterpreterRecord, layers: ViewLayer[]): View {
  return compose({
    environmentSerial: manifest.serial,
    interpreter,
    layers,
    systemSitePackages: manifest.options.systemSitePackages,
    mtimeNs: BigInt(manifest.createdMs) * 1_000_000n,
  });
}
