import type { FileHandle } from 'node:fs/promises';
import { type Digest, toDigest } from '../../base/brands.js';
import { ShenvError } from '../../base/errors.js';
import { framedBytes, framedHeaderBytes, packFramed, unpackFramed } from '../../base/msgpack.js';
import { decodeManifest, encodeManifest } from '../../manifest/codec.js';
import type { Manifest } from '../../manifest/types.js';

/** docs/pack-format.md. History: 1 (first version). */
const packVersion = 1;
const magic = 'SHENVPAK';
/** An index of 10,000 distributions takes about 3 MB. */
const maxIndexBytes = 256 << 20;

/** What an environment needs of an interpreter elsewhere. */
export interface PackedInterpreter {
  implementation: string;
  version: string;
  minor: string;
}

/** One image of a pack: they follow the index in this order, without gaps. */
export interface PackedImage {
  name: string;
  version: string;
  wheelDigest: Digest;
  lengthBytes: number;
}

export interface PackIndex {
  manifest: Manifest;
  interpreter: PackedInterpreter;
  images: PackedImage[];
}

export function encodeIndex({ manifest, ...rest }: PackIndex): Buffer {
  return packFramed(magic, packVersion, { manifest: encodeManifest(manifest), ...rest });
}

/** The index of a pack, and where its images start. Throws PACK_DAMAGED naming the rule that it breaks. */
export async function readIndex(
  file: FileHandle,
  path: string,
): Promise<{ index: PackIndex; start: number }> {
  const { size } = await file.stat();
  const header = Buffer.alloc(framedHeaderBytes);
  const { bytesRead } = await file.read(header, 0, framedHeaderBytes, 0);
  if (bytesRead < framedHeaderBytes || header.toString('latin1', 0, magic.length) !== magic)
    throw packDamaged(path, 'it is no packed environment');
  const start = framedBytes(header);
  if (start > size || start > maxIndexBytes) throw packDamaged(path, 'it ends within its index');
  const data = Buffer.alloc(start);
  await file.read(data, 0, start, 0);
  const index = decodeIndex(data, path);
  const end = index.images.reduce((sum, { lengthBytes }) => sum + lengthBytes, start);
  if (end !== size) throw packDamaged(path, `it has ${size} bytes, not ${end}`);
  return { index, start };
}

function decodeIndex(data: Buffer, path: string): PackIndex {
  try {
    const packed = unpackFramed(magic, packVersion, data) as Omit<PackIndex, 'manifest'> & {
      manifest: Buffer;
    };
    const index = { ...packed, manifest: decodeManifest(packed.manifest, path) };
    const rule = brokenRule(index);
    if (rule !== undefined) throw packDamaged(path, rule);
    return index;
  } catch (cause) {
    if (cause instanceof ShenvError && cause.code === 'PACK_DAMAGED') throw cause;
    throw packDamaged(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function brokenRule({ manifest, interpreter, images }: PackIndex): string | undefined {
  const texts = [manifest.name, interpreter.implementation, interpreter.version, interpreter.minor];
  const named = images.flatMap(({ name, version }) => [name, version]);
  const installers = manifest.layers.map(({ installer }) => installer);
  const all = [...texts, ...named, ...installers, ...manifest.requested];
  if (!all.every((text) => typeof text === 'string')) return 'its index lacks a name';
  if (!images.every(({ lengthBytes }) => Number.isSafeInteger(lengthBytes) && lengthBytes > 0))
    return 'its index gives an impossible length';
  const digests = new Set(images.map(({ wheelDigest }) => toDigest(wheelDigest)));
  if (digests.size !== images.length) return 'it has an image twice';
  const lacking = manifest.layers.find(({ image }) => !digests.has(image.wheelDigest));
  return lacking && `it lacks the image of ${lacking.image.name} ${lacking.image.version}`;
}

export function packDamaged(path: string, rule: string, cause?: unknown): ShenvError {
  return new ShenvError('PACK_DAMAGED', `${path} is refused: ${rule}`, {
    hint: 'Nothing of it was kept; make it again with `shenv-fs pack`, and copy it again.',
    path,
    cause,
  });
}
