import { type Digest, toDigest } from '../base/brands.js';
import { openTrusted, type Trust } from '../base/trust.js';
import { checkHeader, checkSectionDigest } from './check.js';
import { digestBytes, headerBytes, header as headerFields } from './format.js';
import type { Image } from './read.js';

/** The digests section, checked: 32 bytes a regular file, in node order. */
export async function readDigests(image: Image): Promise<Buffer> {
  const place = image.header.sections.digests;
  const file = await openTrusted(image.path, image.trust);
  try {
    const data = Buffer.alloc(place.length);
    await file.read(data, 0, place.length, place.offset);
    checkSectionDigest(data, place, 'digests', image.path);
    return data;
  } finally {
    await file.close();
  }
}

/** One file's SHA-256 out of `readDigests`. */
export function digestOf(digests: Buffer, index: number): Buffer {
  return digests.subarray(index * digestBytes, (index + 1) * digestBytes);
}

/** The wheel digest of the image file at `path`, from the header alone. Throws as `Image.open`. */
export async function readWheelDigest(path: string, trust?: Trust): Promise<Digest> {
  const file = await openTrusted(path, trust);
  try {
    const data = Buffer.alloc(headerBytes);
    await file.read(data, 0, headerBytes, 0);
    checkHeader(data, (await file.stat()).size, path);
    return toDigest(data.toString('hex', headerFields.wheelDigest, headerFields.wheelDigest + digestBytes));
  } finally {
    await file.close();
  }
}
