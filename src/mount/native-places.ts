import type { Image } from '../image/read.js';
import type { Copy } from '../store/copies/copy-folder.js';
import { imageOrigin } from '../view/locate.js';
import type { NativeImage, NativeImagePlace } from './native-addon.js';

/** Copies of images on a disk of this host, by the path of the image in its store. */
export type Copies = ReadonlyMap<string, Copy>;

/** An image as the native session takes it; what was sealed of it is taken without opening its file. */
export function nativeOf(image: Image): NativeImage {
  return {
    ...placeOf(image),
    origin: imageOrigin(image),
    ...(image.base ? { base: placeOf(image.base) } : {}),
    ...(image.sealed ? { metadata: image.sealed.metadata } : {}),
  };
}

function placeOf({ serial, path, trust, sealed }: Image): NativeImagePlace {
  return {
    serial,
    path,
    ...(trust === undefined ? {} : { storeOwner: trust.owner }),
    ...(sealed === undefined ? {} : { stamp: sealed.stamp }),
  };
}

/** Without what was sealed of it: its file is read again. */
export function asFile({ metadata: _, stamp: __, base, ...rest }: NativeImage): NativeImage {
  if (!base) return rest;
  const { stamp: ___, ...place } = base;
  return { ...rest, base: place };
}

/** With the copies in the place of the files that have one. */
export function redirected(native: NativeImage, copies: Copies): NativeImage {
  const { base } = native;
  return {
    ...native,
    ...copies.get(native.path),
    ...(base ? { base: { ...base, ...copies.get(base.path) } } : {}),
  };
}
