import { crc32, deflateRawSync } from 'node:zlib';
import {
  deflateStored,
  descriptor,
  extraField,
  type ForgedEnd,
  type ForgedMember,
  longs,
  type Zip64End,
  type ZipFields,
} from '../archives/zip-forge.js';
import type { Random } from '../faults/random.js';
import { chance, drawItem, drawNumber } from './draw.js';
import { mutateText, oddities } from './mutate-text.js';

const words = [0, 1, 2, 7, 8, 9, 20, 22, 30, 46, 63, 64, 0x7f, 0xff, 0x7fff, 0x8000, 0xffff];
const doubleWords = [...words, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const signatures = [0x04034b50, 0x02014b50, 0x06054b50, 0x06064b50, 0x07064b50, 0x08074b50].map((value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
});

/** One to eight changes of bytes, more of them near the end, where the directory is. */
export function mutateBytes(data: Buffer, random: Random): Buffer {
  let changed: Buffer = Buffer.from(data);
  for (let left = 1 + drawNumber(random, 8); left > 0 && changed.length > 0; left -= 1) {
    const near = Math.min(changed.length, 400);
    const at = chance(random, 0.5)
      ? changed.length - 1 - drawNumber(random, near)
      : drawNumber(random, changed.length);
    changed = changeBytes(changed, at, random);
  }
  return changed;
}

function changeBytes(data: Buffer, at: number, random: Random): Buffer {
  const [before, after] = [data.subarray(0, at), data.subarray(at)];
  switch (drawNumber(random, 6)) {
    case 0:
      return Buffer.concat([
        before,
        Buffer.from([after[0]! ^ (1 << drawNumber(random, 8))]),
        after.subarray(1),
      ]);
    case 1:
      return Buffer.concat([
        before,
        drawItem(random, signatures),
        after.subarray(chance(random, 0.5) ? 4 : 0),
      ]);
    case 2:
      return Buffer.concat([before, after.subarray(1 + drawNumber(random, 30))]);
    case 3:
      return Buffer.concat([before, after.subarray(0, 60), after]);
    case 4: {
      const value = Buffer.alloc(4);
      value.writeUInt32LE(drawItem(random, doubleWords));
      const length = chance(random, 0.5) ? 2 : 4;
      return Buffer.concat([before, value.subarray(0, length), after.subarray(length)]);
    }
    default:
      return Buffer.concat([before, Buffer.from([drawNumber(random, 256)]), after.subarray(1)]);
  }
}

/** Says something else of one member, in one header or in both. */
export function mutateFields(members: readonly ForgedMember[], random: Random): ForgedMember[] {
  const at = drawNumber(random, members.length);
  const side = drawItem(random, ['local', 'central', 'both'] as const);
  const lie = drawLie(members[at]!, random);
  return members.map((member, index) =>
    index === at ? { ...member, [side]: { ...member[side], ...lie } } : member,
  );
}

function drawLie(member: ForgedMember, random: Random): Partial<ZipFields> {
  const length = member.data.length;
  const size = drawItem(
    random,
    [...doubleWords, length - 1, length + 1].map((value) => value >>> 0),
  );
  return drawItem<() => Partial<ZipFields>>(random, [
    () => ({ signature: drawItem(random, doubleWords) }),
    () => ({ version: drawItem(random, words) }),
    () => ({ flags: 1 << drawNumber(random, 16) }),
    () => ({ method: drawItem(random, [0, 8, 9, 12, 14, 93, 99]) }),
    () => ({ crc: drawItem(random, doubleWords) }),
    () => ({ packedBytes: size }),
    () => ({ sizeBytes: size }),
    () => ({ name: Buffer.from(mutateText(String(member.name), random).slice(0, 60_000)) }),
    () => ({ name: Buffer.from([0x70, drawNumber(random, 256), drawNumber(random, 256)]), flags: 0x800 }),
    () => ({ extra: drawExtra(member, random) }),
    () => ({ sizeBytes: 0xffffffff, packedBytes: 0xffffffff, extra: drawExtra(member, random) }),
    () => ({ comment: Buffer.from(drawItem(random, oddities)) }),
    () => ({ disk: drawItem(random, words) }),
    () => ({ attributes: (drawNumber(random, 16) << 28) >>> 0 }),
    () => ({ offset: drawItem(random, doubleWords) }),
  ])();
}

function drawExtra(member: ForgedMember, random: Random): Buffer {
  const length = member.data.length;
  const values = Array.from({ length: drawNumber(random, 4) }, () =>
    drawItem(random, [length, 0, 1, 1n << 62n]),
  );
  const path = Buffer.concat([
    Buffer.from([1, 0, 0, 0, 0]),
    Buffer.from(drawItem(random, [member.name as string, 'x'])),
  ]);
  const fields = [
    extraField(1, longs(...values)),
    extraField(1, longs(length, length)),
    extraField(0x7075, path),
    extraField(drawItem(random, words), Buffer.from('data')),
    extraField(9, Buffer.alloc(2), drawItem(random, words)),
  ];
  return Buffer.concat([
    drawItem(random, fields),
    ...(chance(random, 0.3) ? [drawItem(random, fields)] : []),
  ]);
}

/** Doubles, drops, hides and moves members, and puts bytes between them. */
export function mutateMembers(members: readonly ForgedMember[], random: Random): ForgedMember[] {
  const changed = [...members];
  const at = drawNumber(random, changed.length);
  const member = changed[at]!;
  const stray = drawItem(random, signatures);
  const moved = drawItem<() => ForgedMember[]>(random, [
    () => [member, member],
    () => [member, { ...member, data: Buffer.from('other') }],
    () => [member, { ...member, only: 'central' }],
    () => [
      member,
      { ...member, only: 'central', name: 'pkg/shared', central: { offset: drawItem(random, words) } },
    ],
    () => [{ ...member, only: 'local' }],
    () => [],
    () => [{ ...member, before: stray }],
    () => [{ ...member, after: stray }],
    () => [{ ...member, name: String(member.name).toUpperCase() }, member],
    () => [{ name: `${String(member.name).split('/')[0]}/`, data: Buffer.alloc(0), mode: 0o040755 }, member],
    () => [member, { name: mutateText(String(member.name), random), data: member.data }],
  ])();
  changed.splice(at, 1, ...moved);
  if (chance(random, 0.3)) changed.reverse();
  return changed;
}

/** Says something else of the directory, or puts more behind or before it. */
export function drawEnd(random: Random, whole: () => Buffer): ForgedEnd {
  const bytes = () =>
    drawItem(random, [Buffer.from('x'), drawItem(random, signatures), whole().subarray(-0xffff)]);
  return drawItem<() => ForgedEnd>(random, [
    () => ({ count: drawItem(random, words) }),
    () => ({ countHere: drawItem(random, words) }),
    () => ({ disk: drawItem(random, words) }),
    () => ({ directoryDisk: drawItem(random, words) }),
    () => ({ sizeBytes: drawItem(random, doubleWords) }),
    () => ({ offset: drawItem(random, doubleWords) }),
    () => ({ comment: bytes() }),
    () => ({ commentBytes: drawItem(random, words) }),
    () => ({ after: bytes() }),
    () => ({ beforeDirectory: bytes() }),
    () => ({ afterDirectory: bytes() }),
    () => ({ zip64: drawZip64(random) }),
    () => ({ zip64: drawZip64(random), count: 0xffff, sizeBytes: 0xffffffff, offset: 0xffffffff }),
  ])();
}

function drawZip64(random: Random): Partial<Zip64End> {
  const long = () => drawItem(random, [0n, 1n, 44n, 56n, 0xffffffffn, 1n << 53n, (1n << 64n) - 1n]);
  return drawItem<() => Partial<Zip64End>>(random, [
    () => ({}),
    () => ({ lengthBytes: long() }),
    () => ({ disk: 1 }),
    () => ({ disks: drawItem(random, words) }),
    () => ({ countHere: long() }),
    () => ({ count: long() }),
    () => ({ sizeBytes: long() }),
    () => ({ offset: long() }),
    () => ({ recordOffset: long() }),
    () => ({ signature: drawItem(random, doubleWords) }),
  ])();
}

/** The same member as other writers of archives write it; every reader reads the same of it. */
export function rewrite(member: ForgedMember, random: Random): ForgedMember {
  const { data } = member;
  if (data.length > 60_000) return member;
  return drawItem<() => ForgedMember>(random, [
    () => member,
    () => ({ ...member, method: 8, packed: deflateRawSync(data) }),
    () => ({ ...member, method: 8, packed: deflateStored(data) }),
    () => ({
      ...member,
      both: { flags: 8 },
      local: { crc: 0, packedBytes: 0, sizeBytes: 0 },
      after: descriptor(crc32(data), data.length, data.length, chance(random, 0.5)),
    }),
    () => ({
      ...member,
      local: {
        packedBytes: 0xffffffff,
        sizeBytes: 0xffffffff,
        extra: extraField(1, longs(data.length, data.length)),
      },
    }),
    () => ({
      ...member,
      central: {
        packedBytes: 0xffffffff,
        sizeBytes: 0xffffffff,
        extra: extraField(1, longs(data.length, data.length)),
      },
    }),
    () => ({ ...member, both: { extra: extraField(0x5455, Buffer.from([1, 0, 0, 0, 0])) } }),
    () => ({ ...member, central: { comment: Buffer.from('a comment') } }),
    () => ({ ...member, mode: drawItem(random, [0, 0o100755, 0o100444, 0o104755]) }),
  ])();
}
