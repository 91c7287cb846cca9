import { wheelMembers } from '../../support/wheel-builder.js';
import { fileName, fromMembers, type Rejection, sound, unchanged } from '../rejection.js';
import { type ForgedEnd, forgeZip, type Zip64End } from '../zip-forge.js';

const none = Buffer.alloc(0);
const whole = forgeZip(wheelMembers({ files: sound }));
const directorySignature = Buffer.from([0x50, 0x4b, 1, 2]);

const ends: readonly (readonly [reason: string, rule: string, end: ForgedEnd])[] = [
  ['bytes-after-end', 'bytes follow', { after: Buffer.from('tail') }],
  ['comment-shorter-than-told', 'bytes follow', { comment: Buffer.from('note'), commentBytes: 9 }],
  ['comment-longer-than-told', 'bytes follow', { comment: Buffer.from('note'), commentBytes: 2 }],
  ['end-record-in-comment', 'does not end where', { comment: forgeZip([]) }],
  ['end-signature-in-comment', 'within an end record', { comment: Buffer.from('PK\u0005\u0006') }],
  ['archive-in-comment', 'does not end where', { comment: whole }],
  ['second-archive-appended', 'does not end where', { after: whole }],
  ['end-record-twice', 'bytes follow', { after: forgeZip([]).fill(1, 20) }],
  ['several-disks', 'several disks', { disk: 1 }],
  ['directory-on-another-disk', 'several disks', { directoryDisk: 1 }],
  ['counts-differ', 'in two ways', { countHere: 2 }],
  ['fewer-members-than-told', 'record 6', { count: 6 }],
  ['more-members-than-told', 'more than 3 records', { count: 3 }],
  ['no-members-told', 'more than 0 records', { count: 0 }],
  ['directory-size-too-small', 'does not end where', { sizeBytes: 100 }],
  ['directory-size-too-large', 'does not end where', { sizeBytes: 100_000 }],
  ['directory-offset-too-small', 'does not end where', { offset: 10 }],
  ['directory-offset-too-large', 'does not end where', { offset: 100_000 }],
  ['directory-offset-without-zip64', 'does not end where', { offset: 0xffffffff }],
  ['bytes-behind-directory', 'does not end where', { afterDirectory: Buffer.from('gap') }],
  ['bytes-before-directory', 'bytes that belong to no member', { beforeDirectory: Buffer.from('gap') }],
];

const zip64Ends: readonly (readonly [reason: string, rule: string, zip64: Partial<Zip64End>])[] = [
  ['zip64-count-differs', 'two end records disagree', { count: 4n }],
  ['zip64-counts-differ', 'in two ways', { countHere: 4n }],
  ['zip64-size-differs', 'two end records disagree', { sizeBytes: 3n, offset: 0n }],
  ['zip64-offset-differs', 'two end records disagree', { offset: 1n }],
  ['zip64-locator-elsewhere', 'not where its locator says', { recordOffset: 0n }],
  ['zip64-locator-beyond-the-file', 'not where its locator says', { recordOffset: 1n << 60n }],
  ['zip64-record-missing', 'zip64 end record is missing', { signature: 0 }],
  ['zip64-record-longer', 'another length', { lengthBytes: 100n }],
  ['zip64-several-disks', 'several disks', { disks: 2 }],
  ['zip64-another-disk', 'several disks', { disk: 1 }],
];

/** Lies about where the directory is and what it counts. */
export const archiveEnds: readonly Rejection[] = [
  ...ends.map(([reason, rule, end]) =>
    fromMembers(reason, ['WHEEL_ARCHIVE', fileName, rule], unchanged, { end }),
  ),
  ...zip64Ends.map(([reason, rule, zip64]) =>
    fromMembers(reason, ['WHEEL_ARCHIVE', fileName, rule], unchanged, { end: { zip64 } }),
  ),
  fromMembers('zip64-offset-beyond-the-file', ['WHEEL_ARCHIVE', fileName, 'does not end where'], unchanged, {
    end: { offset: 0xffffffff, zip64: { offset: 1n << 62n } },
  }),
  fromMembers('zip64-count-without-end', ['WHEEL_ARCHIVE', fileName, 'limits'], unchanged, {
    end: { count: 0xffff, zip64: { count: 1n << 62n } },
  }),
  ofBytes('empty-file', 'no end record', none),
  ofBytes('no-archive', 'no end record', Buffer.from('<html>Not found</html>\n')),
  ofBytes('cut-in-the-middle', 'no end record', whole.subarray(0, whole.length / 2)),
  ofBytes('cut-by-one-byte', 'within an end record', whole.subarray(0, -1)),
  ofBytes('directory-overwritten', 'record 1', overwritten()),
  ofBytes('program-before-archive', 'does not end where', Buffer.concat([Buffer.from('#!/bin/sh\n'), whole])),
];

function ofBytes(reason: string, rule: string, data: Buffer): Rejection {
  return { reason, code: 'WHEEL_ARCHIVE', says: [fileName, rule], fileName, data };
}

function overwritten(): Buffer {
  const data = Buffer.from(whole);
  data.fill(0xff, data.indexOf(directorySignature), data.indexOf(directorySignature) + 4);
  return data;
}
