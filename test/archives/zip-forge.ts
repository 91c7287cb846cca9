import { crc32 } from 'node:zlib';

/** The fields of a local header or a directory record, each as it is to be written. */
export interface ZipFields {
  signature: number;
  /** Version needed to extract. */
  version: number;
  flags: number;
  method: number;
  crc: number;
  packedBytes: number;
  sizeBytes: number;
  name: Buffer;
  extra: Buffer;
  /** The directory's alone, from here on. */
  comment: Buffer;
  disk: number;
  attributes: number;
  offset: number;
}

/** A member of a forged archive: the truth, and what either header says in place of it. */
export interface ForgedMember {
  name: string | Buffer;
  data: Buffer;
  /** What stands in the file, where it is not `data`. */
  packed?: Buffer;
  method?: number;
  mode?: number;
  both?: Partial<ZipFields>;
  local?: Partial<ZipFields>;
  central?: Partial<ZipFields>;
  /** Bytes before the local header, and behind the data. */
  before?: Buffer;
  after?: Buffer;
  /** Only in the directory, or only in the file. */
  only?: 'central' | 'local';
}

/** What surrounds the members; numbers in place of the right ones. */
export interface ForgedEnd {
  beforeDirectory?: Buffer;
  afterDirectory?: Buffer;
  count?: number;
  countHere?: number;
  disk?: number;
  directoryDisk?: number;
  sizeBytes?: number;
  offset?: number;
  comment?: Buffer;
  commentBytes?: number;
  /** A zip64 end record and its locator. */
  zip64?: Partial<Zip64End>;
  /** Behind everything. */
  after?: Buffer;
}

export interface Zip64End {
  lengthBytes: bigint;
  disk: number;
  countHere: bigint;
  count: bigint;
  sizeBytes: bigint;
  offset: bigint;
  /** The locator's. */
  recordOffset: bigint;
  disks: number;
  signature: number;
}

/** 2024-01-02 03:04:06, as test/support/zip-writer.ts has it. */
const dosDate = ((2024 - 1980) << 9) | (1 << 5) | 2;
const dosTime = (3 << 11) | (4 << 5) | 3;
const none = Buffer.alloc(0);

/** A zip archive with any lie in it. The same arguments give the same bytes. */
export function forgeZip(members: readonly ForgedMember[], end: ForgedEnd = {}): Buffer {
  const parts: Buffer[] = [];
  const records: Buffer[] = [];
  let offset = 0;
  for (const member of members) {
    const before = member.before ?? none;
    const fields = { ...truth(member), offset: offset + before.length, ...member.both };
    if (member.only !== 'local') records.push(centralRecord({ ...fields, ...member.central }));
    if (member.only === 'central') continue;
    const local = localHeader({ ...fields, ...member.local });
    const written = Buffer.concat([before, local, member.packed ?? member.data, member.after ?? none]);
    parts.push(written);
    offset += written.length;
  }
  const beforeDirectory = end.beforeDirectory ?? none;
  const directory = Buffer.concat(records);
  const at = offset + beforeDirectory.length;
  const afterDirectory = end.afterDirectory ?? none;
  const zip64 = end.zip64
    ? zip64End(end.zip64, records.length, directory.length, at, at + directory.length + afterDirectory.length)
    : none;
  const tail = endRecord(end, records.length, directory.length, at);
  return Buffer.concat([...parts, beforeDirectory, directory, afterDirectory, zip64, tail]);
}

function truth(member: ForgedMember): ZipFields {
  const name = Buffer.from(member.name as string);
  return {
    signature: 0,
    version: 20,
    flags: name.some((byte) => byte > 127) ? 0x800 : 0,
    method: member.method ?? 0,
    crc: crc32(member.data),
    packedBytes: (member.packed ?? member.data).length,
    sizeBytes: member.data.length,
    name,
    extra: none,
    comment: none,
    disk: 0,
    attributes: ((member.mode ?? 0o100644) << 16) >>> 0,
    offset: 0,
  };
}

function localHeader(fields: ZipFields): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(fields.signature || 0x04034b50, 0);
  header.writeUInt16LE(fields.version, 4);
  shared(fields).copy(header, 6);
  header.writeUInt16LE(fields.name.length, 26);
  header.writeUInt16LE(fields.extra.length, 28);
  return Buffer.concat([header, fields.name, fields.extra]);
}

function centralRecord(fields: ZipFields): Buffer {
  const record = Buffer.alloc(46);
  record.writeUInt32LE(fields.signature || 0x02014b50, 0);
  record.writeUInt16LE((3 << 8) | 20, 4);
  record.writeUInt16LE(fields.version, 6);
  shared(fields).copy(record, 8);
  record.writeUInt16LE(fields.name.length, 28);
  record.writeUInt16LE(fields.extra.length, 30);
  record.writeUInt16LE(fields.comment.length, 32);
  record.writeUInt16LE(fields.disk, 34);
  record.writeUInt32LE(fields.attributes, 38);
  record.writeUInt32LE(fields.offset, 42);
  return Buffer.concat([record, fields.name, fields.extra, fields.comment]);
}

/** The 20 bytes that both headers share: from flags to the unpacked size. */
function shared({ flags, method, crc, packedBytes, sizeBytes }: ZipFields): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16LE(flags, 0);
  bytes.writeUInt16LE(method, 2);
  bytes.writeUInt16LE(dosTime, 4);
  bytes.writeUInt16LE(dosDate, 6);
  bytes.writeUInt32LE(crc, 8);
  bytes.writeUInt32LE(packedBytes, 12);
  bytes.writeUInt32LE(sizeBytes, 16);
  return bytes;
}

function endRecord(end: ForgedEnd, count: number, sizeBytes: number, offset: number): Buffer {
  const comment = end.comment ?? none;
  const record = Buffer.alloc(22);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(end.disk ?? 0, 4);
  record.writeUInt16LE(end.directoryDisk ?? 0, 6);
  record.writeUInt16LE(end.countHere ?? end.count ?? count, 8);
  record.writeUInt16LE(end.count ?? count, 10);
  record.writeUInt32LE(end.sizeBytes ?? sizeBytes, 12);
  record.writeUInt32LE(end.offset ?? offset, 16);
  record.writeUInt16LE(end.commentBytes ?? comment.length, 20);
  return Buffer.concat([record, comment, end.after ?? none]);
}

function zip64End(
  forged: Partial<Zip64End>,
  count: number,
  sizeBytes: number,
  offset: number,
  recordAt: number,
): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(forged.signature ?? 0x06064b50, 0);
  record.writeBigUInt64LE(forged.lengthBytes ?? 44n, 4);
  record.writeUInt16LE(45, 12);
  record.writeUInt16LE(45, 14);
  record.writeUInt32LE(forged.disk ?? 0, 16);
  record.writeBigUInt64LE(forged.countHere ?? forged.count ?? BigInt(count), 24);
  record.writeBigUInt64LE(forged.count ?? BigInt(count), 32);
  record.writeBigUInt64LE(forged.sizeBytes ?? BigInt(sizeBytes), 40);
  record.writeBigUInt64LE(forged.offset ?? BigInt(offset), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(forged.recordOffset ?? BigInt(recordAt), 64);
  record.writeUInt32LE(forged.disks ?? 1, 72);
  return record;
}

/** An extra field: id, length, data. */
export function extraField(id: number, data: Buffer, length = data.length): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(length, 2);
  return Buffer.concat([head, data]);
}

/** 64-bit numbers, as a zip64 field holds them. */
export function longs(...values: readonly (number | bigint)[]): Buffer {
  const data = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) data.writeBigUInt64LE(BigInt(value), 8 * index);
  return data;
}

/** A data descriptor; `signed` ones begin with a signature. */
export function descriptor(crc: number, packedBytes: number, sizeBytes: number, signed = true): Buffer {
  const data = Buffer.alloc(16);
  data.writeUInt32LE(0x08074b50, 0);
  data.writeUInt32LE(crc, 4);
  data.writeUInt32LE(packedBytes, 8);
  data.writeUInt32LE(sizeBytes, 12);
  return signed ? data : data.subarray(4);
}

/** A deflate stream of stored blocks, which is the same whatever zlib is at hand. */
export function deflateStored(data: Buffer): Buffer {
  const head = Buffer.from([1, 0, 0, 0, 0]);
  head.writeUInt16LE(data.length, 1);
  head.writeUInt16LE(~data.length & 0xffff, 3);
  return Buffer.concat([head, data]);
}
