import { crc32 } from 'node:zlib';
import { fileName, fromMembers, lie, type Rejection, victim, victimData } from '../rejection.js';
import { deflateStored, descriptor, extraField, type ForgedMember, longs } from '../zip-forge.js';

const bytes = victimData.length;
const crc = crc32(victimData);
const name = Buffer.from(victim);
const unicodePath = (path: string) =>
  extraField(0x7075, Buffer.concat([Buffer.from([1]), Buffer.alloc(4), Buffer.from(path)]));
const after = (data: string): Partial<ForgedMember> => ({ after: Buffer.from(data) });

const lies: readonly (readonly [reason: string, rule: string, change: Partial<ForgedMember>])[] = [
  ['local-name-differs', 'names another file', { local: { name: Buffer.from('pkg/evil.txt') } }],
  ['local-name-longer', 'names another file', { local: { name: Buffer.from(`${victim}.py`) } }],
  ['local-method-differs', 'another compression method', { local: { method: 8 } }],
  ['local-flags-differ', 'other flags', { local: { flags: 0x800 } }],
  ['local-encrypted', 'other flags', { local: { flags: 1 } }],
  ['local-size-differs', 'another size', { local: { sizeBytes: bytes - 1 } }],
  ['local-packed-size-differs', 'another size', { local: { packedBytes: bytes + 1 } }],
  ['local-crc-differs', 'another CRC-32', { local: { crc: 1 } }],
  ['local-header-missing', 'local header is missing', { local: { signature: 0x11111111 } }],
  [
    'local-zip64-size-differs',
    'another size',
    { local: { sizeBytes: 0xffffffff, extra: extraField(1, longs(bytes + 1, bytes)) } },
  ],
  ['local-zip64-missing', 'another size', { local: { sizeBytes: 0xffffffff } }],
  ['local-extra-cut-off', 'extra fields that end early', { local: { extra: extraField(9, name, 99) } }],
  [
    'local-unicode-path-differs',
    'another name in an extra field',
    { local: { extra: unicodePath('evil.py') } },
  ],
  ['unicode-path-differs', 'another name in an extra field', { central: { extra: unicodePath('evil.py') } }],
  [
    'unicode-path-twice',
    'an extra field twice',
    { central: { extra: Buffer.concat([unicodePath(victim), unicodePath(victim)]) } },
  ],
  ['extra-cut-off', 'extra fields that end early', { central: { extra: extraField(9, name, 99) } }],
  [
    'zip64-field-twice',
    'an extra field twice',
    {
      central: { sizeBytes: 0xffffffff, extra: Buffer.concat([1, 2].map(() => extraField(1, longs(bytes)))) },
    },
  ],
  ['zip64-field-missing', 'zip64 field that it lacks', { central: { sizeBytes: 0xffffffff } }],
  ['zip64-field-short', 'zip64 field', { central: { sizeBytes: 0xffffffff, extra: extraField(1, name) } }],
  [
    'zip64-field-unneeded',
    'other values in a zip64 field',
    { central: { extra: extraField(1, longs(1, 2)) } },
  ],
  [
    'zip64-member-size-differs',
    'another size',
    {
      both: { method: 8 },
      packed: deflateStored(victimData),
      central: { sizeBytes: 0xffffffff, extra: extraField(1, longs(1)) },
    },
  ],
  ['bytes-between-members', 'bytes that belong to no member', after('hidden')],
  ['member-outside-file', 'reach into what follows', { only: 'central' }],
  ['descriptor-missing', 'no data descriptor', { both: { flags: 8 } }],
  ['descriptor-damaged', 'no data descriptor', { both: { flags: 8 }, ...after('0123456789abcdef') }],
  [
    'descriptor-crc-differs',
    'descriptor disagrees',
    { both: { flags: 8 }, after: descriptor(1, bytes, bytes) },
  ],
  [
    'descriptor-size-differs',
    'descriptor disagrees',
    { both: { flags: 8 }, after: descriptor(crc, bytes, 3) },
  ],
  [
    'descriptor-packed-size-differs',
    'descriptor disagrees',
    { both: { flags: 8 }, after: descriptor(crc, 3, bytes, false) },
  ],
  ['descriptor-unannounced', 'bytes that belong to no member', { after: descriptor(crc, bytes, bytes) }],
  ['member-encrypted', 'is encrypted', { both: { flags: 1 } }],
  ['member-strongly-encrypted', 'is encrypted', { both: { flags: 0x41 } }],
  ['member-directory-encrypted', 'is encrypted', { both: { flags: 0x2000 } }],
  ['member-is-a-patch', 'is a patch', { both: { flags: 0x20 } }],
  ['member-flags-unknown', 'flags that mean nothing', { both: { flags: 0x8000 } }],
  ['member-version-unknown', 'later version', { both: { version: 99 } }],
  ['member-on-another-disk', 'another disk', { central: { disk: 1 } }],
  ['data-beyond-the-file', 'reach into what follows', { both: { packedBytes: 1e6, sizeBytes: 1e6 } }],
];

const isStaged = true;
const packed = deflateStored(victimData);
const damaged: readonly (readonly [reason: string, rule: string, change: Partial<ForgedMember>])[] = [
  ['crc-wrong', 'CRC-32 does not match', { both: { crc: 1 } }],
  ['crc-wrong-deflated', 'CRC-32 does not match', { packed, method: 8, both: { crc: 1 } }],
  ['deflate-damaged', 'compressed data are damaged', { packed: Buffer.alloc(20, 0xff), method: 8 }],
  ['deflate-cut-off', 'compressed data are damaged', { packed: packed.subarray(0, -4), method: 8 }],
  ['deflate-empty', 'compressed data are damaged', { packed: Buffer.alloc(0), method: 8 }],
  ['deflate-longer-than-told', 'compressed data are damaged', { packed, method: 8, both: { sizeBytes: 3 } }],
  ['deflate-shorter-than-told', 'size is not what', { packed, method: 8, both: { sizeBytes: 999 } }],
  [
    'bytes-behind-deflate',
    'bytes follow the end of its compressed data',
    { packed: Buffer.concat([packed, Buffer.from('hidden')]), method: 8 },
  ],
];

/** Lies about single members. */
export const members: readonly Rejection[] = [
  ...lies.map(([reason, rule, change]) => fromMembers(reason, ['WHEEL_ARCHIVE', victim, rule], lie(change))),
  ...damaged.map(([reason, rule, change]) =>
    fromMembers(reason, ['WHEEL_ARCHIVE', victim, rule], lie(change), {
      isStaged,
      spec: { record: (rows) => rows.map((row) => ({ ...row, size: '' })) },
    }),
  ),
  fromMembers('bytes-before-first-member', ['WHEEL_ARCHIVE', fileName, 'before its first member'], (all) => [
    { ...all[0]!, before: Buffer.from('MZ') },
    ...all.slice(1),
  ]),
  fromMembers(
    'members-share-data',
    ['WHEEL_ARCHIVE', 'pkg/__init__.py', 'reach into what follows'],
    (all) => [...all, { name: 'pkg/copy.txt', data: victimData, only: 'central', central: { offset: 0 } }],
  ),
  fromMembers(
    'member-outside-directory',
    ['WHEEL_ARCHIVE', 'pkg/__init__.py', 'bytes that belong to no member follow it'],
    lie({ only: 'local' }),
  ),
  fromMembers(
    'header-beyond-the-file',
    ['WHEEL_ARCHIVE', 'pkg/__init__.py', 'bytes that belong to no member follow it'],
    lie({ central: { offset: 0x7fffffff } }),
  ),
  fromMembers('members-overlap', ['WHEEL_ARCHIVE', victim, 'reach into what follows'], overlapping),
];

/** A second member whose header is told to be within the first. */
function overlapping(all: ForgedMember[]): ForgedMember[] {
  const at = all.findIndex((member) => member.name === victim);
  const before = all
    .slice(0, at)
    .reduce((sum, member) => sum + 30 + member.name.length + member.data.length, 0);
  const inner: ForgedMember = { name: 'pkg/inner.txt', data: Buffer.from('inner'), only: 'central' };
  return [...all, { ...inner, central: { offset: before + 40 } }];
}
