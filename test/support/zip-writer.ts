import { crc32, deflateRawSync } from 'node:zlib';

/** A member of a zip archive; everything but name and data only to make it wrong, or special. */
export interface ZipMember {
  name: string | Buffer;
  data: Buffer;
  /** 0 stored (the default), 8 deflated; any other number is declared and the data stored. */
  method?: number;
  /** Unix type and permissions, `0o100644` by default. */
  mode?: number;
  /** General purpose bits; by default UTF-8 (0x800) where the name needs it. */
  flags?: number;
  /** What directory and local header claim, in place of the truth. */
  crc?: number;
  sizeBytes?: number;
  /** The name that the local header gives. */
  localName?: string;
  localMethod?: number;
}

/** 2024-01-02 03:04:06. */
const dosDate = ((2024 - 1980) << 9) | (1 << 5) | 2;
const dosTime = (3 << 11) | (4 << 5) | 3;
export const zipMtimeNs = BigInt(Date.UTC(2024, 0, 2, 3, 4, 6)) * 1_000_000n;

/** A zip archive in memory, members in their order. */
export function writeZip(members: readonly ZipMember[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const member of members) {
    const packed = member.method === 8 ? deflateRawSync(member.data) : member.data;
    const name = Buffer.from(member.name as string);
    const local = localHeader(member, packed.length);
    directory.push(directoryRecord(member, packed.length, offset), name);
    parts.push(local, packed);
    offset += local.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

function flagsOf({ name, flags }: ZipMember): number {
  return flags ?? (Buffer.from(name as string).some((byte) => byte > 127) ? 0x800 : 0);
}

/** The 20 bytes that both headers share: from flags to the unpacked size. */
function shared(member: ZipMember, packedBytes: number, method: number): Buffer {
  const record = Buffer.alloc(20);
  record.writeUInt16LE(flagsOf(member), 0);
  record.writeUInt16LE(method, 2);
  record.writeUInt16LE(dosTime, 4);
  record.writeUInt16LE(dosDate, 6);
  record.writeUInt32LE(member.crc ?? crc32(member.data), 8);
  record.writeUInt32LE(packedBytes, 12);
  record.writeUInt32LE(member.sizeBytes ?? member.data.length, 16);
  return record;
}

function localHeader(member: ZipMember, packedBytes: number): Buffer {
  const name = Buffer.from((member.localName ?? member.name) as string);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  shared(member, packedBytes, member.localMethod ?? member.method ?? 0).copy(header, 6);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

function directoryRecord(member: ZipMember, packedBytes: number, offset: number): Buffer {
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x02014b50, 0);
  record.writeUInt16LE((3 << 8) | 20, 4);
  record.writeUInt16LE(20, 6);
  shared(member, packedBytes, member.method ?? 0).copy(record, 8);
  record.writeUInt16LE(Buffer.from(member.name as string).length, 28);
  record.writeUInt32LE(((member.mode ?? 0o100644) << 16) >>> 0, 38);
  record.writeUInt32LE(offset, 42);
  return record;
}
