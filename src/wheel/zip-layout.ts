import { refuseWheel } from './refusal.js';
import type { ReadAt } from './zip-end.js';
import { extraFieldsRule, readExtraFields, zip64Sizes } from './zip-records.js';

/** What the central directory says of a member. */
export interface DirectoryEntry {
  fileNameRaw: Buffer;
  generalPurposeBitFlag: number;
  compressionMethod: number;
  crc32: number;
  compressedSize: number;
  uncompressedSize: number;
  relativeOffsetOfLocalHeader: number;
}

const headerBytes = 30;
const headerSignature = 0x04034b50;
const descriptorSignature = 0x08074b50;
const extraGuessBytes = 64;
const longestDescriptor = 24;
const descriptorFlag = 0x8;
/** Flags that the local header must share; the others are hints to who packs. */
const sharedFlags = 0x809;

/**
 * Checks that a zip file is its members one behind the other and then its directory, each byte of it
 * in one of them once, and that every local header (APPNOTE 4.3.7) says what the directory does. So
 * a reader that goes through the file sees the members that one led by the directory does, and no
 * two members share data. Gives where the data of each begin. Throws WHEEL_ARCHIVE, naming member
 * and rule.
 */
export function checkZipLayout<Entry extends DirectoryEntry>(
  archive: string,
  entries: readonly Entry[],
  directoryOffset: number,
  readAt: ReadAt,
): Map<Entry, number> {
  const ordered = entries.toSorted((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  const first = ordered[0]?.relativeOffsetOfLocalHeader ?? directoryOffset;
  if (first !== 0) throw damaged(archive, `${archive}: ${first} bytes come before its first member`);
  const starts = new Map<Entry, number>();
  ordered.forEach((entry, index) => {
    const end = ordered[index + 1]?.relativeOffsetOfLocalHeader ?? directoryOffset;
    const name = entry.fileNameRaw.toString('utf8');
    const start = dataStart(entry, end, readAt);
    if (typeof start === 'string') throw damaged(name, `${archive}: ${name}: ${start}`);
    starts.set(entry, start);
  });
  return starts;
}

/** Where the data begin, or the rule that the member breaks; `end` is where the next thing begins. */
function dataStart(entry: DirectoryEntry, end: number, readAt: ReadAt): number | string {
  const offset = entry.relativeOffsetOfLocalHeader;
  const name = entry.fileNameRaw;
  const smallest = headerBytes + name.length + entry.compressedSize;
  if (offset + smallest > end) return 'its data reach into what follows';
  const guess = readAt(offset, headerBytes + name.length + extraGuessBytes);
  if (guess.length < headerBytes || guess.readUInt32LE(0) !== headerSignature) {
    return 'its local header is missing';
  }
  const nameEnd = headerBytes + guess.readUInt16LE(26);
  if (!guess.subarray(headerBytes, nameEnd).equals(name)) return 'its local header names another file';
  const dataAt = nameEnd + guess.readUInt16LE(28);
  const header = dataAt <= guess.length ? guess.subarray(0, dataAt) : readAt(offset, dataAt);
  if (header.length < dataAt) return 'its local header is cut off';
  const rule = headerRule(entry, header, nameEnd);
  if (rule !== undefined) return rule;
  const start = offset + dataAt;
  const gap = end - start - entry.compressedSize;
  if (gap < 0) return 'its data reach into what follows';
  const hasDescriptor = (entry.generalPurposeBitFlag & descriptorFlag) !== 0;
  if (!hasDescriptor) return gap === 0 ? start : 'bytes that belong to no member follow it';
  return descriptorRule(entry, gap > longestDescriptor ? undefined : readAt(end - gap, gap)) ?? start;
}

function headerRule(entry: DirectoryEntry, header: Buffer, nameEnd: number): string | undefined {
  const flags = header.readUInt16LE(6);
  if (((flags ^ entry.generalPurposeBitFlag) & sharedFlags) !== 0) return 'its local header has other flags';
  if (header.readUInt16LE(8) !== entry.compressionMethod) {
    return 'its local header gives another compression method';
  }
  const fields = readExtraFields(header.subarray(nameEnd));
  if (fields === undefined) return 'its local header has extra fields that end early';
  const extraRule = extraFieldsRule(entry.fileNameRaw, fields);
  if (extraRule !== undefined) return `its local header ${extraRule}`;
  const mayBeZero = (flags & descriptorFlag) !== 0;
  const long = zip64Sizes(fields);
  const sizes = [header.readUInt32LE(22), header.readUInt32LE(18)];
  const told = [entry.uncompressedSize, entry.compressedSize];
  for (const index of [0, 1]) {
    const value = sizes[index] === 0xffffffff && long ? long[index]! : BigInt(sizes[index]!);
    if (value !== BigInt(told[index]!) && !(mayBeZero && value === 0n)) {
      return 'its local header gives another size';
    }
  }
  const crc = header.readUInt32LE(14);
  if (crc !== entry.crc32 && !(mayBeZero && crc === 0)) return 'its local header gives another CRC-32';
  return undefined;
}

/** A data descriptor (APPNOTE 4.3.9), with or without signature, with short or long sizes. */
function descriptorRule(entry: DirectoryEntry, data: Buffer | undefined): string | undefined {
  if (!data || ![12, 16, 20, 24].includes(data.length)) return 'no data descriptor of its follows it';
  const isSigned = data.length === 16 || data.length === 24;
  if (isSigned && data.readUInt32LE(0) !== descriptorSignature) return 'no data descriptor of its follows it';
  const values = data.subarray(isSigned ? 4 : 0);
  const sizes =
    values.length === 12
      ? [BigInt(values.readUInt32LE(4)), BigInt(values.readUInt32LE(8))]
      : [values.readBigUInt64LE(4), values.readBigUInt64LE(12)];
  const agrees =
    values.readUInt32LE(0) === entry.crc32 &&
    sizes[0] === BigInt(entry.compressedSize) &&
    sizes[1] === BigInt(entry.uncompressedSize);
  return agrees ? undefined : 'its data descriptor disagrees with the directory';
}

function damaged(path: string, rule: string): Error {
  return refuseWheel('WHEEL_ARCHIVE', rule, path, {
    hint: 'The file is damaged or was tampered with; fetch it again.',
  });
}
