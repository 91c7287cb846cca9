import type { Manifest } from '../manifest/types.js';
import { readInterpreter } from '../python/interpreter-record.js';
import type { ImageCache } from '../store/image-cache.js';
import { compose } from '../view/compose.js';
import type { View } from '../view/tree.js';

/** Loads what a manifest refers to and composes it. Throws IMAGE_MISSING, INTERPRETER_MISSING, PATH_CONFLICT. */
export async function loadView(manifest: Manifest, images: ImageCache, interpreters: string): Promise<View> {
  const interpreter = await readInterpreter(interpreters, manifest.interpreter);
  const layers = await Promise.all(
    manifest.layers.map(async (layer) => ({
      image: await images.open(layer.image, layer.bytecode),
      slot: layer.slot,
      requested: layer.reason === 'requested',
      installer: layer.installer,
      directUrl: layer.directUrl,
    })),
  );
  return compose({
    environmentSerial: manifest.serial,
    interpreter,
    layers,
    systemSitePackages: manifest.options.systemSitePackages,
    mtimeNs: BigInt(manifest.createdMs) * 1_000_000n,
  });
}
