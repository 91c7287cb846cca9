import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import type { Digest } from '../../base/brands.js';
import { pack, unpack } from '../../base/msgpack.js';
import type { FileStamp } from '../../image/read.js';
import type { InterpreterRecord } from '../../python/interpreter-record.js';

/**
 * Sealed metadata, version 1: docs/sealed-format.md describes it byte by byte. Little-endian.
 *
 * History: 1 (first version).
 */
export const sealedVersion = 1;
const magic = 'SHENVSEA';

const at = { version: 8, headerBytes: 12, manifest: 16, metadata: 48, inputs: 104, digest: 160 } as const;
export const sealedHeaderBytes = 192;
const digestBytes = 32;
/** Byte offsets in the record of a section. */
const record = { offset: 0, storedBytes: 8, plainBytes: 16, digest: 24 } as const;
const mostPlainBytes = 2 ** 30;
const compressionLevel = 6;

/** An image of the generation, by its place in its store. */
export interface SealedImage {
  /** Index in the chain of stores. */
  store: number;
  /** Below `images` of that store. */
  path: string;
  stamp: FileStamp;
  /** Start of the file, up to the end of its meta section. */
  metadata: Buffer;
  /** Of an image of bytecode: index of the wheel's image, which comes before it. */
  base: number | null;
}

export interface SealedMetadata {
  interpreter: InterpreterRecord;
  /** For each store of the chain, what `readRenewals` said. */
  renewals: string[];
  images: SealedImage[];
  /** For each layer of the manifest, the index of the image that it shows. */
  layers: number[];
}

/** What generated files are made of: index of an image, node, contents. */
export type SealedInput = [image: number, node: number, contents: Buffer];

export interface SealedSection {
  offset: number;
  storedBytes: number;
  plainBytes: number;
  digest: Buffer;
}

export interface SealedHeader {
  /** SHA-256 of the manifest that the file belongs to. */
  manifest: string;
  metadata: SealedSection;
  inputs: SealedSection;
}

/** Why a sealed file is not used. */
export class SealedFault extends Error {}

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** `manifest`: SHA-256 of the manifest as it is written. */
export async function encodeSealed(
  manifest: Digest,
  metadata: SealedMetadata,
  inputs: readonly SealedInput[],
): Promise<Buffer> {
  const header = Buffer.alloc(sealedHeaderBytes);
  header.write(magic, 'latin1');
  header.writeUInt32LE(sealedVersion, at.version);
  header.writeUInt32LE(sealedHeaderBytes, at.headerBytes);
  header.write(manifest, at.manifest, 'hex');
  const pieces = [header];
  let offset = sealedHeaderBytes;
  for (const [place, value] of [
    [at.metadata, metadata],
    [at.inputs, inputs],
  ] as const) {
    const plain = pack(value);
    const stored = await deflate(plain, { level: compressionLevel });
    header.writeBigUInt64LE(BigInt(offset), place + record.offset);
    header.writeBigUInt64LE(BigInt(stored.length), place + record.storedBytes);
    header.writeBigUInt64LE(BigInt(plain.length), place + record.plainBytes);
    sha256(stored).copy(header, place + record.digest);
    pieces.push(stored);
    offset += stored.length;
  }
  sha256(header.subarray(0, at.digest)).copy(header, at.digest);
  return Buffer.concat(pieces);
}

/** `fileBytes` is the length of the whole file. Throws SealedFault naming the rule that is broken. */
export function decodeSealedHeader(data: Buffer, fileBytes: number): SealedHeader {
  if (data.length < sealedHeaderBytes || data.toString('latin1', 0, at.version) !== magic)
    throw new SealedFault('the magic number is missing');
  const version = data.readUInt32LE(at.version);
  if (version !== sealedVersion)
    throw new SealedFault(`its version is ${version}, this program knows ${sealedVersion}`);
  if (!sha256(data.subarray(0, at.digest)).equals(data.subarray(at.digest, sealedHeaderBytes)))
    throw new SealedFault('the header digest does not match');
  if (data.readUInt32LE(at.headerBytes) !== sealedHeaderBytes)
    throw new SealedFault('the header length is wrong');
  const metadata = readSection(data, at.metadata);
  const inputs = readSection(data, at.inputs);
  if (metadata.offset !== sealedHeaderBytes || inputs.offset !== metadata.offset + metadata.storedBytes)
    throw new SealedFault('its sections do not follow each other');
  if (inputs.offset + inputs.storedBytes !== fileBytes)
    throw new SealedFault(`it has ${fileBytes} bytes, not ${inputs.offset + inputs.storedBytes}`);
  return { manifest: data.toString('hex', at.manifest, at.manifest + digestBytes), metadata, inputs };
}

/** Throws SealedFault. */
export async function decodeSealedMetadata(stored: Buffer, section: SealedSection): Promise<SealedMetadata> {
  const value = (await unpackSection(stored, section)) as SealedMetadata;
  if (!isMetadata(value)) throw new SealedFault('its metadata are not of the known form');
  return value;
}

/** Throws SealedFault. */
export async function decodeSealedInputs(stored: Buffer, section: SealedSection): Promise<SealedInput[]> {
  const value = await unpackSection(stored, section);
  if (!Array.isArray(value) || !value.every(isInput))
    throw new SealedFault('its inputs are not of the known form');
  return value;
}

function readSection(data: Buffer, place: number): SealedSection {
  const section = {
    offset: Number(data.readBigUInt64LE(place + record.offset)),
    storedBytes: Number(data.readBigUInt64LE(place + record.storedBytes)),
    plainBytes: Number(data.readBigUInt64LE(place + record.plainBytes)),
    digest: data.subarray(place + record.digest, place + record.digest + digestBytes),
  };
  if (section.storedBytes > mostPlainBytes || section.plainBytes > mostPlainBytes)
    throw new SealedFault('a section is too large');
  return section;
}

async function unpackSection(stored: Buffer, section: SealedSection): Promise<unknown> {
  if (stored.length !== section.storedBytes || !sha256(stored).equals(section.digest))
    throw new SealedFault('the digest of a section does not match');
  try {
    const plain = await inflate(stored, { maxOutputLength: Math.max(section.plainBytes, 1) });
    if (plain.length !== section.plainBytes) throw new SealedFault('a section has the wrong length');
    return unpack(plain);
  } catch (cause) {
    if (cause instanceof SealedFault) throw cause;
    throw new SealedFault('a section cannot be decoded', { cause });
  }
}

function isMetadata(value: Partial<SealedMetadata> | null): value is SealedMetadata {
  const { interpreter, renewals, images, layers } = value ?? {};
  if (typeof interpreter !== 'object' || interpreter === null) return false;
  if (!Array.isArray(renewals) || !renewals.every((item) => typeof item === 'string')) return false;
  if (!Array.isArray(images) || !images.every((image, index) => isImage(image, index))) return false;
  return Array.isArray(layers) && layers.every((index) => isIndex(index, images.length));
}

function isImage(image: Partial<SealedImage> | null, index: number): boolean {
  const { store, path, stamp, metadata, base } = image ?? {};
  if (!isIndex(store, Number.MAX_SAFE_INTEGER) || typeof path !== 'string' || !isPlace(path)) return false;
  if (!isIndex(stamp?.sizeBytes, 2 ** 52) || !Number.isSafeInteger(stamp?.mtimeSeconds)) return false;
  return Buffer.isBuffer(metadata) && (base === null || isIndex(base, index));
}

/** Name, version and file: nothing leads out of `images`. */
function isPlace(path: string): boolean {
  const parts = path.split('/');
  const isPlain = (part: string) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0');
  return parts.length === 3 && parts.every(isPlain);
}

function isInput(value: unknown): value is SealedInput {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [image, node, contents] = value;
  return isIndex(image, 2 ** 32) && isIndex(node, 2 ** 32) && Buffer.isBuffer(contents);
}

function isIndex(value: unknown, limit: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < limit;
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}
