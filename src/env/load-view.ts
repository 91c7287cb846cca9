import { type Layer, type Manifest, noInterpreter } from '../manifest/types.js';
import { type InterpreterRecord, readInterpreter } from '../python/interpreter-record.js';
import type { ImageCache } from '../store/image-cache.js';
import type { Outlines } from '../store/outlines.js';
import { compose } from '../view/compose.js';
import { sealedNotice } from '../view/sealed-notice.js';
import type { View, ViewLayer } from '../view/tree.js';
import type { UpperState } from './upper-folder.js';

/**
 * Loads what a manifest refers to and composes it; with an upper layer, what lies under that: then its files have numbers
 * of the environment, and the files that say that it is read-only are there only while it is frozen.
 * Throws IMAGE_MISSING, INTERPRETER_MISSING, PATH_CONFLICT.
 */
export async function loadView(
  manifest: Manifest,
  images: ImageCache,
  interpreters: string,
  upper: UpperState = 'none',
): Promise<View> {
  const interpreter = await interpreterOf(manifest, interpreters);
  return composeLayers(manifest, interpreter, await loadLayers(manifest, images), upper);
}

/**
 * As `loadView`, for a tree that is written to disk: without the files that say that it is read-only. Throws
 * INTERPRETER_NONE too.
 */
export async function loadWritableView(
  manifest: Manifest,
  images: ImageCache,
  interpreters: string,
): Promise<View> {
  const interpreter = await readInterpreter(interpreters, manifest.interpreter);
  return compose({ ...inputOf(manifest), interpreter, layers: await loadLayers(manifest, images) });
}

/** Composes a manifest from images that are at hand, in the order of its layers. Throws PATH_CONFLICT. */
export function composeImages(
  manifest: Manifest,
  interpreter: InterpreterRecord,
  images: readonly ViewLayer['image'][],
  upper: UpperState,
): View {
  const layers = manifest.layers.map((layer, index) => viewLayer(layer, images[index]!));
  return composeLayers(manifest, interpreter, layers, upper);
}

/** Undefined for a bare environment. Throws INTERPRETER_MISSING. */
export async function interpreterOf(
  { interpreter }: Pick<Manifest, 'interpreter'>,
  folder: string,
): Promise<InterpreterRecord | undefined> {
  return interpreter === noInterpreter ? undefined : readInterpreter(folder, interpreter);
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
  return composeLayers(manifest, interpreter, layers, 'none');
}

function viewLayer(layer: Layer, image: ViewLayer['image']): ViewLayer {
  const { slot, installer, directUrl, writer, scriptPython } = layer;
  const requested = layer.reason === 'requested';
  return { image, slot, requested, installer, directUrl, writer, scriptPython };
}

function composeLayers(
  manifest: Manifest,
  interpreter: InterpreterRecord | undefined,
  layers: ViewLayer[],
  upper: UpperState,
): View {
  const notice = upper === 'writable' ? [] : sealedNotice;
  return compose({
    ...inputOf(manifest),
    interpreter: interpreter && { ...interpreter, skeleton: [...interpreter.skeleton, ...notice] },
    layers,
    isOwn: upper !== 'none',
  });
}

function inputOf({ serial, options, createdMs }: Manifest) {
  return {
    environmentSerial: serial,
    systemSitePackages: options.systemSitePackages,
    mtimeNs: BigInt(createdMs) * 1_000_000n,
  };
}
