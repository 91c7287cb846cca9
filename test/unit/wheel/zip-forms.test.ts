import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import test from 'ava';
import { WheelArchive } from '../../../src/wheel/archive.js';
import { defaultLimits } from '../../../src/wheel/limits.js';
import {
  deflateStored,
  descriptor,
  extraField,
  type ForgedEnd,
  type ForgedMember,
  forgeZip,
  longs,
} from '../../archives/zip-forge.js';
import { refused } from '../../support/refusal.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const data = Buffer.from('the data of a member\n');
const bytes = data.length;
const zip64 = extraField(1, longs(bytes, bytes));
const unknown = { crc: 0, packedBytes: 0, sizeBytes: 0 };
const elsewhere = { packedBytes: 0xffffffff, sizeBytes: 0xffffffff };

/** What writers of archives do, each in its own way; readers agree on what it means. */
const forms: readonly (readonly [title: string, member: Partial<ForgedMember>, end?: ForgedEnd])[] = [
  ['a deflated member', { method: 8, packed: deflateRawSync(data) }],
  ['a deflated member of stored blocks', { method: 8, packed: deflateStored(data) }],
  [
    'a signed data descriptor',
    { both: { flags: 8 }, local: unknown, after: descriptor(crc32(data), bytes, bytes) },
  ],
  [
    'a bare data descriptor',
    { both: { flags: 8 }, local: unknown, after: descriptor(crc32(data), bytes, bytes, false) },
  ],
  [
    'a data descriptor that repeats the header',
    { both: { flags: 8 }, after: descriptor(crc32(data), bytes, bytes) },
  ],
  ['zip64 sizes in the local header', { local: { ...elsewhere, extra: zip64 } }],
  ['zip64 sizes in the directory', { central: { ...elsewhere, extra: zip64 } }],
  ['zip64 sizes that repeat the short ones', { central: { extra: zip64 } }],
  ['times in an extra field', { both: { extra: extraField(0x5455, Buffer.from([1, 0, 0, 0, 0])) } }],
  [
    'the same name in an extra field',
    { both: { extra: extraField(0x7075, Buffer.from('\u0001\0\0\0\0member')) } },
  ],
  ['padding in the local header', { local: { extra: Buffer.alloc(3) } }],
  ['a comment', { central: { comment: Buffer.from('a comment') } }],
  ['hints how it was deflated', { both: { flags: 6 } }],
  ['a comment of the archive', {}, { comment: Buffer.from('a comment') }],
  ['a zip64 end record', {}, { zip64: {} }],
  ['a zip64 end record alone', {}, { zip64: {}, count: 0xffff, sizeBytes: 0xffffffff, offset: 0xffffffff }],
];
for (const [title, member, end] of forms) {
  test(`an archive with ${title} is read`, async (t) => {
    const path = join(await temporaryFolder(t), 'sample-1.0-py3-none-any.whl');
    await writeFile(
      path,
      forgeZip(
        [
          { name: 'member', data, ...member },
          { name: 'last', data },
        ],
        end,
      ),
    );
    const archive = await WheelArchive.open(path);
    t.teardown(() => archive.close());
    t.deepEqual(await archive.read('member'), data);
    t.deepEqual(await archive.read('last'), data);
  });
}

test('names that differ in case only pass where the limit lets them', async (t) => {
  const path = join(await temporaryFolder(t), 'sample-1.0-py3-none-any.whl');
  await writeFile(path, forgeZip(['a/x', 'A/x', 'b'].map((name) => ({ name, data }))));
  await refused(t, 'WHEEL_ENTRY', ["'A/x'", 'in case only'], () => WheelArchive.open(path));
  const archive = await WheelArchive.open(path, { ...defaultLimits, caseClashes: 2 });
  t.teardown(() => archive.close());
  t.is(archive.entries.length, 3);
});

test('reading the head of a large member leaves the archive open', async (t) => {
  const large = Buffer.alloc(6 << 20, 'abc\n');
  const path = join(await temporaryFolder(t), 'sample-1.0-py3-none-any.whl');
  const packed = deflateRawSync(large);
  await writeFile(
    path,
    forgeZip([
      { name: 'large', data: large, packed, method: 8 },
      { name: 'last', data },
    ]),
  );
  const archive = await WheelArchive.open(path, { ...defaultLimits, density: 10_000 });
  t.teardown(() => archive.close());
  for (let times = 0; times < 12; times += 1) for await (const _ of archive.stream('large')) break;
  t.deepEqual(await archive.read('last'), data);
  t.is((await archive.read('large')).length, large.length);
});
