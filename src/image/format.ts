/**
 * Image format, version 1: docs/image-format.md describes it byte by byte. Little-endian.
 *
 * History: 1 (first version).
 */
export const formatVersion = 1;
export const magic = Buffer.from('SHENVIMG', 'latin1');

/** What an image holds: a whole wheel, or a wheel's tree with bytecode whose sources stay in the wheel's image. */
export const imageKinds = { wheel: 1, bytecode: 2 } as const;
export type ImageKind = (typeof imageKinds)[keyof typeof imageKinds];

/** Byte offsets in the fixed part of the header. */
export const header = {
  magic: 0,
  version: 8,
  headerBytes: 12,
  kind: 16,
  features: 20,
  serial: 24,
  fileBytes: 32,
  nodeCount: 40,
  sectionCount: 44,
  wheelDigest: 48,
  sectionTable: 80,
} as const;

/** Byte offsets in one record of the section table. */
export const sectionRecord = { id: 0, reserved: 4, offset: 8, length: 16, digest: 24, bytes: 56 } as const;

/** Sections in the order in which they stand in the file. */
export const sections = ['nodes', 'names', 'meta', 'digests', 'contents'] as const;
export type SectionName = (typeof sections)[number];
export const sectionId: Readonly<Record<SectionName, number>> = {
  nodes: 1,
  names: 2,
  meta: 3,
  digests: 4,
  contents: 5,
};

export const digestBytes = 32;
export const headerBytes = header.sectionTable + sections.length * sectionRecord.bytes + digestBytes;

/** Byte offsets in a node record. */
export const nodeRecord = {
  nameOffset: 0,
  nameBytes: 4,
  mode: 6,
  parent: 8,
  firstChild: 12,
  childCount: 16,
  flags: 20,
  sizeBytes: 24,
  contentOffset: 32,
  storedBytes: 40,
  mtimeNs: 48,
  digestIndex: 56,
  baseNode: 60,
  bytes: 64,
} as const;

export const nodeFlags = {
  /** Low eight bits: codec of the contents; 0 is stored as is, no other exists yet. */
  codecMask: 0xff,
  /** The first line (`#!python…`) was left out; the view writes the environment's interpreter. */
  pythonScript: 0x100,
  /** Bytecode images: the contents are the wheel image's, at `contentOffset` of that file. */
  inBase: 0x200,
} as const;
export const knownFlags = nodeFlags.codecMask | nodeFlags.pythonScript | nodeFlags.inBase;

export const modes = { directory: 0o040755, file: 0o100644, executable: 0o100755 } as const;

export const sectionAlignment = 8;
export const contentsAlignment = 4096;
/** Files from this size on start on a page boundary, smaller ones on a cache line. */
export const largeFileBytes = 65_536;
export const largeFileAlignment = 4096;
export const smallFileAlignment = 64;

/** Bounds that every reader enforces before it trusts a count. */
export const limits = { nodes: 2 ** 27, nameBytes: 255, metadataBytes: 2 ** 31 } as const;

export function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

/** What a user does about an image that is damaged. */
export const damageHint = '`shenv-fs store repair` puts it aside and rebuilds it from its wheel.';
