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
  const layers = await Promise.all(
    manifest.layers.map(async (layer) => viewLayer(layer, await images.open(layer.image, layer.bytecode))),
  );
  return composeLayers(manifest, interpreter, layers);
}

/** Composes a manifest from outlines, to find conflicts; the view is not for serving. Throws as `loadView`. */
export function composeManifest(
  manifest: Manifest,
  interpreter: InterpreterRecord,
  outlines: Outlines,
): View {
  const layers = manifest.layers.map((layer) => viewLayer(layer, outlines.open(layer.image, layer.bytecode)));
  return composeLayers(manifest, interpreter, layers);
}

function viewLayer(layer: Layer, image: ViewLayer['image']): ViewLayer {
  const { slot, installer, directUrl } = layer;
  return { image, slot, requested: layer.reason === 'requested', installer, directUrl };
}

function composeLayers(manifest: Manifest, interpreter: InterpreterRecord, layers: ViewLayer[]): View {
  return compose({
    environmentSerial: manifest.serial,
    interpreter: { ...interpreter, skeleton: [...interpreter.skeleton, ...sealedNotice] },
    layers,
    systemSitePackages: manifest.options.systemSitePackages,
    mtimeNs: BigInt(manifest.createdMs) * 1_000_000n,
  });
}
