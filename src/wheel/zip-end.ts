import { refuseWheel } from './refusal.js';

/** Where a zip file's central directory is, after the records at the end of the file. */
export interface DirectoryPlace {
  offset: number;
  sizeBytes: number;
  entries: number;
}

/** Reads `length` bytes at `position`, fewer where the file ends. */
export type ReadAt = (position: number, length: number) => Buffer;

const endBytes = 22;
const locatorBytes = 20;
const zip64EndBytes = 56;
const longestComment = 0xffff;
const endSignature = Buffer.from([0x50, 0x4b, 5, 6]);
const signatures = { locator: 0x07064b50, zip64End: 0x06064b50 };

/**
 * Finds the central directory (APPNOTE 4.3.14 to 4.3.16), where every reader must find the same:
 * behind the directory nothing but its end records, in them no two answers to one question. Throws
 * WHEEL_ARCHIVE, naming `archive` and the rule.
 */
export function findZipDirectory(archive: string, sizeBytes: number, readAt: ReadAt): DirectoryPlace {
  const refuse = (rule: string) =>
    refuseWheel('WHEEL_ARCHIVE', `${archive} is not a readable zip archive: ${rule}`, archive, {
      hint: 'The file is damaged or was tampered with; fetch it again.',
    });
  const tailAt = Math.max(0, sizeBytes - endBytes - longestComment);
  const tail = readAt(tailAt, sizeBytes - tailAt);
  // Readers differ in which signature they take when a comment has one; so it may have none.
  const at = tail.lastIndexOf(endSignature);
  if (at < 0) throw refuse('it has no end record');
  if (at + endBytes > tail.length) throw refuse('it ends within an end record');
  const end = tail.subarray(at);
  if (end.length - endBytes !== end.readUInt16LE(20)) throw refuse('bytes follow its end record');
  const short = {
    offset: end.readUInt32LE(16),
    sizeBytes: end.readUInt32LE(12),
    entries: end.readUInt16LE(10),
  };
  if (end.readUInt16LE(4) !== 0 || end.readUInt16LE(6) !== 0) throw refuse('it is a part of several disks');
  if (end.readUInt16LE(8) !== short.entries) throw refuse('its end record counts the members in two ways');
  const endAt = tailAt + at;
  const locator = endAt >= locatorBytes ? readAt(endAt - locatorBytes, locatorBytes) : Buffer.alloc(0);
  const isZip64 = locator.length === locatorBytes && locator.readUInt32LE(0) === signatures.locator;
  const place = isZip64 ? readZip64(locator, short, { endAt, readAt, refuse }) : short;
  const directoryEnd = isZip64 ? endAt - locatorBytes - zip64EndBytes : endAt;
  if (place.offset + place.sizeBytes !== directoryEnd) {
    throw refuse('its directory does not end where its end record begins');
  }
  return place;
}

interface Surroundings {
  endAt: number;
  readAt: ReadAt;
  refuse: (rule: string) => Error;
}

function readZip64(
  locator: Buffer,
  short: DirectoryPlace,
  { endAt, readAt, refuse }: Surroundings,
): DirectoryPlace {
  const recordAt = endAt - locatorBytes - zip64EndBytes;
  if (locator.readUInt32LE(4) !== 0 || locator.readUInt32LE(16) > 1) {
    throw refuse('it is a part of several disks');
  }
  if (recordAt < 0 || locator.readBigUInt64LE(8) !== BigInt(recordAt)) {
    throw refuse('its zip64 end record is not where its locator says');
  }
  const record = readAt(recordAt, zip64EndBytes);
  if (record.length < zip64EndBytes || record.readUInt32LE(0) !== signatures.zip64End) {
    throw refuse('its zip64 end record is missing');
  }
  if (record.readBigUInt64LE(4) !== BigInt(zip64EndBytes - 12)) {
    throw refuse('its zip64 end record has another length');
  }
  if (record.readUInt32LE(16) !== 0 || record.readUInt32LE(20) !== 0) {
    throw refuse('it is a part of several disks');
  }
  const long = {
    offset: Number(record.readBigUInt64LE(48)),
    sizeBytes: Number(record.readBigUInt64LE(40)),
    entries: Number(record.readBigUInt64LE(32)),
  };
  if (record.readBigUInt64LE(24) !== record.readBigUInt64LE(32)) {
    throw refuse('its end record counts the members in two ways');
  }
  const agree =
    isSame(short.offset, long.offset, 0xffffffff) &&
    isSame(short.sizeBytes, long.sizeBytes, 0xffffffff) &&
    isSame(short.entries, long.entries, 0xffff);
  if (!agree) throw refuse('its two end records disagree');
  return long;
}

/** The short field either holds the value or says that the long one does. */
function isSame(short: number, long: number, elsewhere: number): boolean {
  return short === long || short === elsewhere;
}
