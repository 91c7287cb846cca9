import { printable, refuseWheel } from './refusal.js';

const recordBytes = 46;
const recordSignature = 0x02014b50;

/** Encrypted (0, 6, 13), patched (5), and what no version of the format gives a meaning. */
const refusedFlags: readonly (readonly [mask: number, rule: string])[] = [
  [0x2041, 'is encrypted'],
  [0x0020, 'is a patch of another file'],
  [0xd780, 'has flags that mean nothing'],
];
/** Python's zipfile reads no later one. */
const newestVersion = 63;

const zip64Field = 0x0001;
const unicodePathField = 0x7075;
const unicodePathHeadBytes = 5;

/** An extra field of a member (APPNOTE 4.5). */
export interface ExtraField {
  id: number;
  data: Buffer;
}

/**
 * Walks a zip file's central directory (APPNOTE 4.3.12) and checks what a reader that looks up one
 * record at a time does not: that the records fill it, and that none says two things of one member.
 * Throws WHEEL_ARCHIVE, naming `archive` or the member, and the rule.
 */
export function checkZipRecords(archive: string, directory: Buffer, entries: number): void {
  let at = 0;
  for (let index = 0; index < entries; index += 1) {
    const rest = directory.subarray(at);
    if (rest.length < recordBytes || rest.readUInt32LE(0) !== recordSignature) {
      throw refuse(archive, `record ${index + 1} of its directory is missing`);
    }
    const length = recordLength(rest);
    if (length > rest.length) throw refuse(archive, `record ${index + 1} of its directory is cut off`);
    const record = rest.subarray(0, length);
    const rule = recordRule(record);
    if (rule !== undefined) throw refuse(archive, `'${nameOf(record).toString('utf8')}' ${rule}`);
    at += length;
  }
  if (at !== directory.length) throw refuse(archive, `its directory has more than ${entries} records`);
}

function recordLength(record: Buffer): number {
  return recordBytes + record.readUInt16LE(28) + record.readUInt16LE(30) + record.readUInt16LE(32);
}

function nameOf(record: Buffer): Buffer {
  return record.subarray(recordBytes, recordBytes + record.readUInt16LE(28));
}

function recordRule(record: Buffer): string | undefined {
  const flags = record.readUInt16LE(8);
  for (const [mask, rule] of refusedFlags) if ((flags & mask) !== 0) return rule;
  if ((record.readUInt16LE(6) & 0xff) > newestVersion) return 'needs a later version of the zip format';
  if (record.readUInt16LE(34) !== 0) return 'is on another disk';
  const name = nameOf(record);
  const extraAt = recordBytes + name.length;
  const fields = readExtraFields(record.subarray(extraAt, extraAt + record.readUInt16LE(30)));
  if (fields === undefined) return 'has extra fields that end early';
  return extraFieldsRule(name, fields) ?? zip64Rule(record, fields);
}

/** The fields, or undefined where one is longer than what is left; padding of up to 3 bytes may follow. */
export function readExtraFields(extra: Buffer): ExtraField[] | undefined {
  const fields: ExtraField[] = [];
  let at = 0;
  while (at + 4 <= extra.length) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (end > extra.length) return undefined;
    fields.push({ id: extra.readUInt16LE(at), data: extra.subarray(at + 4, end) });
    at = end;
  }
  return fields;
}

/** Two fields of one kind, or a second name that is not the first. */
export function extraFieldsRule(name: Buffer, fields: readonly ExtraField[]): string | undefined {
  for (const id of [zip64Field, unicodePathField]) {
    if (fields.filter((field) => field.id === id).length > 1) return 'has an extra field twice';
  }
  const path = fields.find(({ id }) => id === unicodePathField);
  if (path && !path.data.subarray(unicodePathHeadBytes).equals(name)) {
    return 'has another name in an extra field';
  }
  return undefined;
}

/** A zip64 field holds the values that the record leaves to it; it may repeat the others, all of them. */
function zip64Rule(record: Buffer, fields: readonly ExtraField[]): string | undefined {
  const field = fields.find(({ id }) => id === zip64Field);
  const short = [record.readUInt32LE(24), record.readUInt32LE(20), record.readUInt32LE(42)];
  const missing = short.filter((value) => value === 0xffffffff).length;
  if (!field) return missing === 0 ? undefined : 'leaves its sizes to a zip64 field that it lacks';
  const { data } = field;
  if (data.length === 8 * missing && missing > 0) return undefined;
  const repeats = short.every((value, index) => {
    const at = 8 * index;
    if (at + 8 > data.length) return value !== 0xffffffff;
    return value === 0xffffffff || data.readBigUInt64LE(at) === BigInt(value);
  });
  const isFirst = short.slice(0, missing).every((value) => value === 0xffffffff);
  return repeats && isFirst && data.length % 8 === 0 ? undefined : 'has other values in a zip64 field';
}

/** The unpacked and packed size that a zip64 field of a local header gives. */
export function zip64Sizes(fields: readonly ExtraField[]): [bigint, bigint] | undefined {
  const data = fields.find(({ id }) => id === zip64Field)?.data;
  return data && data.length >= 16 ? [data.readBigUInt64LE(0), data.readBigUInt64LE(8)] : undefined;
}

function refuse(archive: string, rule: string): Error {
  return refuseWheel('WHEEL_ARCHIVE', `${archive}: ${printable(rule)}`, archive, {
    hint: 'The file is damaged or was tampered with; fetch it again.',
  });
}
