import type { Digest } from '../base/brands.js';
import { ShenvError } from '../base/errors.js';
import { pack, unpack } from '../base/msgpack.js';
import { damageHint } from './format.js';

export interface ImageScript {
  name: string;
  module: string;
  attribute: string;
  gui: boolean;
}

/** What the meta section tells of a distribution. */
export interface ImageMeta {
  name: string;
  version: string;
  summary: string;
  wheelFilename: string;
  wheelDigest: Digest;
  tags: string[];
  requiresDist: string[];
  requiresPython?: string;
  providesExtra: string[];
  rootIsPurelib: boolean;
  distInfo: string;
  scripts: ImageScript[];
  fileCount: number;
  /** Sum of the files' sizes in bytes. */
  contentBytes: number;
  /** SHA-256 of the source distribution that the wheel was built from, where it was built here. */
  builtFrom?: Digest;
  /** Bytecode images: the interpreter's cache tag, e.g. `cpython-311`. */
  cacheTag?: string;
}

export function encodeMeta(meta: ImageMeta): Buffer {
  return pack(meta);
}

/** Throws IMAGE_DAMAGED when the section is not a map with the fields that a reader relies on. */
export function decodeMeta(data: Buffer, path: string): ImageMeta {
  const meta = decode(data, path) as Partial<ImageMeta> | null;
  const strings = [meta?.name, meta?.version, meta?.distInfo, meta?.wheelFilename, meta?.wheelDigest];
  const lists = [meta?.tags, meta?.requiresDist, meta?.scripts];
  if (!strings.every((value) => typeof value === 'string') || !lists.every(Array.isArray)) {
    throw damagedMeta(path);
  }
  return meta as ImageMeta;
}

function decode(data: Buffer, path: string): unknown {
  try {
    return unpack(data);
  } catch (cause) {
    throw damagedMeta(path, cause);
  }
}

function damagedMeta(path: string, cause?: unknown): ShenvError {
  return new ShenvError('IMAGE_DAMAGED', `${path}: the meta section cannot be decoded`, {
    hint: damageHint,
    path,
    cause,
  });
}
