import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ErrorCode } from '../../../src/base/errors.js';
import { WheelArchive, wholeReadBytes } from '../../../src/wheel/archive.js';
import { defaultLimits } from '../../../src/wheel/limits.js';
import { refused } from '../../support/refusal.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { writeZip, type ZipMember, zipMtimeNs } from '../../support/zip-writer.js';

const data = Buffer.from('print("hello")\n');

async function archiveOf(t: ExecutionContext, zip: Buffer, limits = defaultLimits): Promise<WheelArchive> {
  const path = join(await temporaryFolder(t), 'sample-1.0-py3-none-any.whl');
  await writeFile(path, zip);
  const archive = await WheelArchive.open(path, limits);
  t.teardown(() => archive.close());
  return archive;
}

test('stored and deflated members are read whole, large ones streamed', async (t) => {
  const large = Buffer.alloc(wholeReadBytes + 1000, 'shenv ');
  const archive = await archiveOf(
    t,
    writeZip([
      { name: 'stored', data },
      { name: 'deflated', data, method: 8 },
      { name: 'empty', data: Buffer.alloc(0) },
      { name: 'empty-deflated', data: Buffer.alloc(0), method: 8 },
      { name: 'large-stored', data: large },
      { name: 'large-deflated', data: large, method: 8 },
    ]),
  );
  t.deepEqual(await archive.read('stored'), data);
  t.deepEqual(await archive.read('deflated'), data);
  t.is((await archive.read('empty')).length, 0);
  t.is((await archive.read('empty-deflated')).length, 0);
  t.true((await archive.read('large-stored')).equals(large));
  t.true((await archive.read('large-deflated')).equals(large));
});

test('an entry has size, x bit and its time read as UTC; folders are left out', async (t) => {
  const archive = await archiveOf(
    t,
    writeZip([
      { name: 'pkg/', data: Buffer.alloc(0), mode: 0o040755 },
      { name: 'pkg/tool', data, mode: 0o100755 },
      { name: 'pkg/ünïcode.py', data, mode: 0 },
    ]),
  );
  const common = { sizeBytes: data.length, mtimeNs: zipMtimeNs };
  t.deepEqual(archive.entries as unknown, [
    { path: 'pkg/tool', executable: true, ...common },
    { path: 'pkg/ünïcode.py', executable: false, ...common },
  ]);
});

const entryRules: [string, string, ZipMember[]][] = [
  ['an absolute name', 'absolute', [{ name: '/etc/passwd', data }]],
  ['a drive letter', 'absolute', [{ name: 'C:/x', data }]],
  ["a '..' part", "'..'", [{ name: 'a/../../x', data }]],
  ["a '.' part", "'.'", [{ name: './x', data }]],
  ['an empty part', 'empty', [{ name: 'a//x', data }]],
  ['a backslash', 'backslash', [{ name: 'a\\x', data }]],
  ['a NUL', 'NUL', [{ name: 'a\0x', data }]],
  ['a control character', 'control character', [{ name: 'a\nx', data }]],
  ['a part of 256 bytes', '255', [{ name: `a/${'x'.repeat(256)}`, data }]],
  ['a path of over 4000 bytes', '4000', [{ name: `${'x'.repeat(200)}/`.repeat(21) + 'x', data }]],
  ['a name that is not UTF-8', 'UTF-8', [{ name: Buffer.from([0x61, 0xff, 0x62]), data }]],
  ['a non-ASCII name without the UTF-8 flag', 'UTF-8', [{ name: 'é.py', data, flags: 0 }]],
  ['a symbolic link', 'link', [{ name: 'link', data, mode: 0o120777 }]],
  ['a device', 'special file', [{ name: 'dev', data, mode: 0o020666 }]],
  ['a file marked as a folder', 'marked as a folder', [{ name: 'dir', data, mode: 0o040755 }]],
  ['a folder with contents', 'folder with contents', [{ name: 'dir/', data }]],
  ['an unknown compression method', 'method 12', [{ name: 'bzip2', data, method: 12 }]],
  ['a stored member with two sizes', 'two sizes', [{ name: 'x', data, sizeBytes: 5 }]],
  [
    'a name twice',
    'twice',
    [
      { name: 'same.py', data },
      { name: 'same.py', data },
    ],
  ],
  [
    'names that differ in case only',
    'case only',
    [
      { name: 'Mod.py', data },
      { name: 'mod.PY', data },
    ],
  ],
  [
    'names that differ in composition only',
    'case only',
    [
      { name: '\u00e9.py', data },
      { name: 'e\u0301.py', data },
    ],
  ],
];
for (const [title, says, members] of entryRules) {
  test(`a wheel with ${title} is refused`, async (t) => {
    await refused(t, 'WHEEL_ENTRY', [says, 'sample-1.0-py3-none-any.whl'], () =>
      archiveOf(t, writeZip(members)),
    );
  });
}

const limits = {
  ...defaultLimits,
  memberBytes: 10_000,
  totalBytes: 15_000,
  entries: 3,
  denseFromBytes: 1000,
};
const limitRules: [string, ErrorCode, string, ZipMember[]][] = [
  ['an oversize member', 'WHEEL_ENTRY', 'larger than', [{ name: 'big', data: Buffer.alloc(10_001) }]],
  [
    'an over-dense member',
    'WHEEL_ENTRY',
    'times its size',
    [{ name: 'bomb', data: Buffer.alloc(9000), method: 8 }],
  ],
  [
    'too many bytes in all',
    'WHEEL_ARCHIVE',
    'limits',
    ['a', 'b'].map((name) => ({ name, data: Buffer.alloc(9000, name) })),
  ],
  ['too many members', 'WHEEL_ARCHIVE', 'limits', ['a', 'b', 'c', 'd'].map((name) => ({ name, data }))],
];
for (const [title, code, says, members] of limitRules) {
  test(`a wheel with ${title} is refused`, async (t) => {
    await refused(t, code, [says], () => archiveOf(t, writeZip(members), { ...limits, density: 50 }));
  });
}

const contentRules: [string, string, ZipMember][] = [
  ['a wrong CRC', 'CRC-32', { name: 'm', data, crc: 1 }],
  ['a wrong CRC, deflated', 'CRC-32', { name: 'm', data, method: 8, crc: 1 }],
  ['more data than declared', 'm:', { name: 'm', data, method: 8, sizeBytes: 3 }],
  ['less data than declared', 'size', { name: 'm', data, method: 8, sizeBytes: 3000 }],
];
for (const [title, says, member] of contentRules) {
  test(`reading a member with ${title} is refused`, async (t) => {
    const archive = await archiveOf(t, writeZip([member]));
    const error = await refused(t, 'WHEEL_ARCHIVE', [says, 'm'], () => archive.read('m'));
    t.is(error.path, 'm');
  });
}

test('damaged compressed data are refused, small and large', async (t) => {
  for (const size of [1000, wholeReadBytes + 1000]) {
    const zip = writeZip([{ name: 'm', data: Buffer.alloc(size, 'abc'), method: 8 }]);
    zip.fill(0xff, 31, 35);
    const archive = await archiveOf(t, zip);
    await refused(t, 'WHEEL_ARCHIVE', ['m'], () => archive.read('m'));
  }
});

test('a member may inflate no further than declared', async (t) => {
  const zip = writeZip([{ name: 'm', data: Buffer.alloc(50 << 20), method: 8, sizeBytes: 10 }]);
  const archive = await archiveOf(t, zip);
  await refused(t, 'WHEEL_ARCHIVE', ['m'], () => archive.read('m'));
});

test('a file cut anywhere is refused', async (t) => {
  const zip = writeZip([
    { name: 'a.py', data, method: 8 },
    { name: 'b.py', data },
  ]);
  for (let length = 0; length < zip.length; length += 7) {
    const cut = zip.subarray(0, length);
    await refused(t, 'WHEEL_ARCHIVE', ['not a readable zip'], () => archiveOf(t, Buffer.from(cut)));
  }
});

test('an encrypted member is refused', async (t) => {
  const zip = writeZip([{ name: 'secret', data, flags: 1 }]);
  await refused(t, 'WHEEL_ARCHIVE', ['secret', 'encrypted'], () => archiveOf(t, zip));
});

test('text that is not UTF-8 is refused as metadata', async (t) => {
  const archive = await archiveOf(t, writeZip([{ name: 'METADATA', data: Buffer.from([0xc3, 0x28]) }]));
  await refused(t, 'WHEEL_METADATA', ['METADATA', 'UTF-8'], () => archive.readText('METADATA'));
});
