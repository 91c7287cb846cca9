import type { WheelLimits } from '../../../src/wheel/limits.js';
import type { WheelSpec } from '../../support/wheel-builder.js';
import { distInfo, fileName, fromMembers, fromSpec, type Rejection, victim } from '../rejection.js';
import type { ForgedMember } from '../zip-forge.js';

/** 100,000 zeros, deflated; kept as bytes, because another zlib may pack them in another way. */
const denseBytes = 100_000;
const dense = Buffer.from(`7cExAQAAAMKg9U9tDQ+g${'A'.repeat(128)}gFcD`, 'base64');

const over: readonly (readonly [
  reason: string,
  code: Rejection['code'],
  says: Rejection['says'],
  limits: Partial<WheelLimits>,
  spec: WheelSpec,
])[] = [
  ['too-many-members', 'WHEEL_ARCHIVE', [fileName, 'more than 4 members'], { entries: 4 }, {}],
  ['too-many-bytes', 'WHEEL_ARCHIVE', [fileName, 'unpacks to more'], { totalBytes: 100 }, {}],
  ['member-too-large', 'WHEEL_ENTRY', [victim, 'larger than 10 bytes'], { memberBytes: 10 }, {}],
  ['directory-too-large', 'WHEEL_ARCHIVE', [fileName, 'directory larger'], { directoryBytes: 100 }, {}],
  ['path-too-long', 'WHEEL_ENTRY', ['pkg', 'longer than 10 bytes'], { pathBytes: 10 }, {}],
  [
    'path-too-deep',
    'WHEEL_ENTRY',
    ['a/b/c/d', 'too many parts'],
    { pathParts: 3 },
    { files: { 'a/b/c/d': '' } },
  ],
  [
    'metadata-too-large',
    'WHEEL_METADATA',
    [`${distInfo}/WHEEL`, 'larger than 50'],
    { metadataBytes: 50 },
    {},
  ],
  ['record-too-large', 'WHEEL_RECORD', [`${distInfo}/RECORD`, 'larger than 50'], { recordBytes: 50 }, {}],
  [
    'too-many-headers',
    'WHEEL_METADATA',
    [`${distInfo}/METADATA`, 'more than 20 fields'],
    { headers: 20 },
    { requires: Array(30).fill('x') },
  ],
  [
    'too-many-scripts',
    'WHEEL_ENTRY_POINT',
    [`${distInfo}/entry_points.txt`, 'more than 1 scripts'],
    { scripts: 1 },
    { entryPoints: '[console_scripts]\na = m:f\nb = m:f\n' },
  ],
];

/** Wheels over a limit; most of them with limits far below the defaults, to stay small. */
export const overLimits: readonly Rejection[] = [
  ...over.map(([reason, code, [file, rule], limits, spec]) =>
    fromSpec(reason, [code, file, rule], spec, { limits }),
  ),
  fromMembers('path-too-long-by-default', ['WHEEL_ENTRY', 'xxx', 'longer than 4000 bytes'], (members) => [
    ...members,
    { name: `${`${'x'.repeat(200)}/`.repeat(20)}x`, data: Buffer.alloc(0) },
  ]),
  fromMembers('path-too-deep-by-default', ['WHEEL_ENTRY', 'd/d/d', 'too many parts'], (members) => [
    ...members,
    { name: `${'d/'.repeat(128)}x`, data: Buffer.alloc(0) },
  ]),
  fromMembers('member-too-large-by-default', ['WHEEL_ENTRY', victim, 'larger than'], huge),
  fromMembers('member-too-dense', ['WHEEL_ENTRY', 'pkg/zeros', 'times its size'], zeros(1), {
    limits: { denseFromBytes: 50_000 },
  }),
  fromMembers('wheel-too-dense', ['WHEEL_ARCHIVE', fileName, 'times its size'], zeros(5), {
    limits: { denseFromBytes: 400_000, density: 100 },
  }),
  fromMembers('member-too-dense-by-default', ['WHEEL_ENTRY', 'pkg/zeros', 'times its size'], (members) =>
    zeros(1)(members).map((member) =>
      member.name === 'pkg/zeros' ? { ...member, both: { sizeBytes: 2 ** 31 } } : member,
    ),
  ),
];

function huge(members: ForgedMember[]): ForgedMember[] {
  const sizes = Buffer.alloc(4 + 16);
  sizes.writeUInt16LE(1, 0);
  sizes.writeUInt16LE(16, 2);
  sizes.writeBigUInt64LE(2n ** 40n, 4);
  sizes.writeBigUInt64LE(2n ** 40n, 12);
  const both = { sizeBytes: 0xffffffff, packedBytes: 0xffffffff, extra: sizes };
  return members.map((member) => (member.name === victim ? { ...member, both } : member));
}

function zeros(count: number): (members: ForgedMember[]) => ForgedMember[] {
  const added = Array.from({ length: count }, (_, at) => ({
    name: at === 0 ? 'pkg/zeros' : `pkg/zeros${at}`,
    data: Buffer.alloc(denseBytes),
    packed: dense,
    method: 8,
  }));
  return (members) => [...members, ...added];
}
