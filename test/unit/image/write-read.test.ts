import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { toSerial } from '../../../src/base/brands.js';
import { sha256 } from '../../../src/base/digest.js';
import { digestOf, readDigests, readWheelDigest } from '../../../src/image/digests.js';
import { walkImage } from '../../../src/image/dump.js';
import { largeFileBytes, nodeRecord } from '../../../src/image/format.js';
import { Image } from '../../../src/image/read.js';
import { placeNodes, TreeConflict } from '../../../src/image/tree.js';
import { writeImage } from '../../../src/image/write.js';
import { ImageContents } from '../../../src/store/image-contents.js';
import { imageMeta, sampleImage, writeSampleImage } from '../../support/image-builder.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const longName = 'x'.repeat(255);
const longUnicode = `${'é'.repeat(127)}y`;
const files: Record<string, string | Buffer> = {
  'site/pkg/__init__.py': 'import os\n',
  'site/pkg/empty.py': '',
  'site/pkg/日本語.txt': 'unicode',
  'site/pkg/e\u0301 combining': 'decomposed',
  'site/pkg/\u00e9 composed': 'composed',
  'site/pkg/🐍.py': 'snake',
  'site/pkg/\uff5e.py': 'sorts before the snake in bytes, after it in UTF-16',
  [`site/pkg/${longName}`]: '255 bytes',
  [`site/pkg/${longUnicode}`]: '255 bytes of UTF-8',
  'site/pkg/a': 'a',
  'site/pkg/a.b': 'a.b',
  'site/pkg/a-dir/b': 'nested',
  'site/pkg/quote\'"$ space': 'odd',
  'site/pkg/large.bin': Buffer.alloc(largeFileBytes, 7),
  'site/pkg/larger.bin': Buffer.alloc(largeFileBytes + 12_345, 8),
  'site/pkg/just-small.bin': Buffer.alloc(largeFileBytes - 1, 9),
  'site/pkg/x.pyc': 'bytecode',
  'bin/tool': 'script',
  'data/share/doc/readme': 'doc',
};

test('every file comes back with its bytes, size, mode, time and digest', async (t) => {
  const image = await sampleImage(await temporaryFolder(t), { files, executable: ['bin/tool'] });
  const contents = new ImageContents();
  t.teardown(() => contents.close());
  const digests = await readDigests(image);
  for (const [path, text] of Object.entries(files)) {
    const node = image.resolve(path);
    t.not(node, undefined, path);
    const data = Buffer.from(text as string);
    const file = image.fileOf(node!);
    t.is(file.sizeBytes, data.length, path);
    t.true((await contents.readAll(image, node!)).equals(data), path);
    t.is(digestOf(digests, file.digestIndex).toString('hex'), sha256(data), path);
    t.is(image.modeOf(node!), path === 'bin/tool' ? 0o100755 : 0o100644, path);
    t.is(image.mtimeNsOf(node!), 1_700_000_000_000_000_000n);
  }
  t.is(
    [...walkImage(image)].filter(({ node }) => !image.isDirectory(node)).length,
    Object.keys(files).length,
  );
});

test('large files start on 4096 bytes, small ones on 64, empty ones nowhere', async (t) => {
  const image = await sampleImage(await temporaryFolder(t), { files });
  for (const { path, node } of walkImage(image)) {
    if (image.isDirectory(node)) continue;
    const { sizeBytes, contentOffset } = image.fileOf(node);
    if (sizeBytes === 0) t.is(contentOffset, 0, path);
    else t.is(contentOffset % (sizeBytes >= largeFileBytes ? 4096 : 64), 0, path);
  }
});

test('contents stand in the order of an import: bytecode, __init__, other sources, the rest', async (t) => {
  const image = await sampleImage(await temporaryFolder(t), {
    files: { 'site/z.pyc': 'z', 'site/a.txt': 'a', 'site/p/__init__.py': 'i', 'site/b.py': 'b' },
  });
  const offset = (path: string) => image.fileOf(image.resolve(path)!).contentOffset;
  const order = ['site/z.pyc', 'site/p/__init__.py', 'site/b.py', 'site/a.txt'];
  t.deepEqual(
    [...order].sort((a, b) => offset(a) - offset(b)),
    order,
  );
});

test('nodes are numbered breadth-first: children are neighbours, after their parent', async (t) => {
  const image = await sampleImage(await temporaryFolder(t), { files });
  let next = 1;
  for (let node = 0; node < image.nodeCount; node += 1) {
    if (!image.isDirectory(node)) continue;
    const { first, count } = image.childrenOf(node);
    t.is(first, next);
    next += count;
    for (let child = first; child < first + count; child += 1) t.is(image.parentOf(child), node);
  }
  t.is(next, image.nodeCount);
  t.is(image.parentOf(0), 0);
});

test('children are sorted strictly by their bytes', async (t) => {
  const image = await sampleImage(await temporaryFolder(t), { files });
  const { first, count } = image.childrenOf(image.resolve('site/pkg')!);
  const names = Array.from({ length: count }, (_, index) => Buffer.from(image.nameOf(first + index)));
  for (let at = 1; at < count; at += 1) t.true(Buffer.compare(names[at - 1]!, names[at]!) < 0);
});

test('lookup finds every name and no other', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`site/n${at * 7}`, '']));
  const image = await sampleImage(await temporaryFolder(t), { files: { ...files, ...many } });
  for (const { node } of walkImage(image)) {
    if (node === 0) continue;
    const parent = image.parentOf(node);
    const name = image.nameOf(node);
    t.is(image.lookup(parent, name), node);
    for (const other of [`${name}x`, name.slice(0, -1), `\u0001${name}`, '', '.', '..', `${name}/`])
      if (image.lookup(parent, other) !== undefined) t.is(image.nameOf(image.lookup(parent, other)!), other);
  }
  t.is(image.lookup(image.resolve('bin/tool')!, 'x'), undefined);
  t.is(image.resolve('site/pkg/a/b'), undefined);
});

test('equal input gives equal bytes, and the header tells serial and wheel', async (t) => {
  const [one, two] = [await temporaryFolder(t), await temporaryFolder(t)];
  const first = await writeSampleImage(one, { files, serial: 77 });
  const second = await writeSampleImage(two, { files, serial: 77 });
  t.true((await readFile(first)).equals(await readFile(second)));
  const image = await Image.open(first);
  t.is(image.serial as number, 77);
  t.is(image.wheelDigest, image.meta.wheelDigest);
  t.is(await readWheelDigest(first), image.wheelDigest);
});

test('an image with more metadata than the first read is read whole', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`site/m/file-${at}`, '']));
  const image = await sampleImage(await temporaryFolder(t), { files: many });
  t.true(image.header.sections.meta.offset > 65_536);
  t.is(image.nodeCount, 3003);
  t.is(image.header.sections.nodes.length, 3003 * nodeRecord.bytes);
});

test('a time before 1970 survives', async (t) => {
  const image = await sampleImage(await temporaryFolder(t), { files: { 'site/a': '' }, mtimeNs: -5n });
  t.is(image.mtimeNsOf(image.resolve('site/a')!), -5n);
});

test('an image without files is a root alone', async (t) => {
  const image = await sampleImage(await temporaryFolder(t), { files: {} });
  t.is(image.nodeCount, 1);
  t.is(image.lookup(0, 'site'), undefined);
});

for (const [title, paths] of [
  ['given twice', ['site/a', 'site/a']],
  ['that is a file and a folder', ['site/a/b', 'site/a']],
  ['that runs through a file', ['site/a', 'site/a/b']],
] as const) {
  test(`a path ${title} cannot be placed`, (t) => {
    const entries = paths.map((path) => ({ path, sizeBytes: 0, executable: false, mtimeNs: 0n, flags: 0 }));
    t.throws(() => placeNodes(entries), { instanceOf: TreeConflict, message: /site\/a/ });
  });
}

test('a file that gives another number of bytes than planned fails the image', async (t) => {
  const file = await open(join(await temporaryFolder(t), 'x.img'), 'wx');
  const spec = { files: { 'site/a': 'abc' } };
  const source = {
    kind: 1 as const,
    claimSerial: async () => toSerial(1),
    meta: imageMeta(spec),
    files: [{ path: 'site/a', sizeBytes: 4, executable: false, mtimeNs: 0n, flags: 0 }],
    async *content() {
      yield Buffer.from('abc');
    },
  };
  await t.throwsAsync(writeImage(file, source), { message: /site\/a: 3 bytes came, 4/ });
  await file.close();
});
