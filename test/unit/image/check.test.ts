import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ErrorCode } from '../../../src/base/errors.js';
import { readDigests } from '../../../src/image/digests.js';
import { header, sectionRecord } from '../../../src/image/format.js';
import { Image } from '../../../src/image/read.js';
import { writeSampleImage } from '../../support/image-builder.js';
import { DamagedImage } from '../../support/image-damage.js';
import { refused } from '../../support/refusal.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** Breadth-first: 0 root, 1 bin, 2 site, 3 tool, 4 aa, 5 bb, 6 zz, 7 big, 8 small. */
const files = {
  'bin/tool': 'tool',
  'site/aa': 'aaaa',
  'site/bb/big': Buffer.alloc(70_000, 1),
  'site/bb/small': 'small',
  'site/zz': '',
};

async function pristine(t: ExecutionContext): Promise<DamagedImage> {
  return new DamagedImage(await readFile(await writeSampleImage(await temporaryFolder(t), { files })));
}

async function openDamaged(t: ExecutionContext, data: Buffer): Promise<Image> {
  const path = join(await temporaryFolder(t), 'damaged.img');
  await writeFile(path, data);
  return Image.open(path);
}

test('the image that these tests damage is right, also when signed anew', async (t) => {
  await t.notThrowsAsync(openDamaged(t, (await pristine(t)).sign()));
});

type Damage = (image: DamagedImage) => void;
const u32 =
  (at: (image: DamagedImage) => number, value: number): Damage =>
  (image) =>
    image.data.writeUInt32LE(value, at(image));
const u16 =
  (at: (image: DamagedImage) => number, value: number): Damage =>
  (image) =>
    image.data.writeUInt16LE(value, at(image));
const u64 =
  (at: (image: DamagedImage) => number, value: number | bigint): Damage =>
  (image) =>
    image.data.writeBigUInt64LE(BigInt(value), at(image));

const headerRules: [string, string, Damage][] = [
  ['another header length', 'the header length is wrong', u32(() => header.headerBytes, 400)],
  ['another section count', 'the section count is wrong', u32(() => header.sectionCount, 4)],
  ['sections in another order', "section 0 is not 'nodes'", u32((i) => i.record('nodes'), 2)],
  [
    'a reserved field of the first section',
    'a reserved field is set',
    u32((i) => i.record('nodes') + sectionRecord.reserved, 1),
  ],
  [
    'a reserved field of another section',
    'a reserved field is set',
    u32((i) => i.record('digests') + sectionRecord.reserved, 1),
  ],
  ['a digest of the contents', 'digest', u32((i) => i.record('contents') + sectionRecord.digest, 1)],
  ['an unknown kind', 'the kind is unknown', u32(() => header.kind, 3)],
  ['serial 0', 'the serial is out of range', u64(() => header.serial, 0)],
  ['a serial of 2^31', 'the serial is out of range', u64(() => header.serial, 2 ** 31)],
  ['another file length', 'bytes, not', u64(() => header.fileBytes, 1)],
  ['no node', 'the node count is out of range', u32(() => header.nodeCount, 0)],
  [
    'more nodes than there may be',
    'the node count is out of range',
    u32(() => header.nodeCount, 2 ** 27 + 1),
  ],
  ['fewer nodes than the section', 'the node section has the wrong length', u32(() => header.nodeCount, 8)],
  ['a section inside the header', "section 'nodes' overlaps", (i) => i.setOffset('nodes', 384)],
  [
    'an unaligned section',
    "section 'meta' overlaps or is unaligned",
    (i) => i.setOffset('meta', i.offset('meta') + 4),
  ],
  ['overlapping sections', "section 'names' overlaps", (i) => i.setOffset('names', i.offset('nodes'))],
  [
    'contents that do not end with the file',
    'the contents do not end',
    (i) => i.setLength('contents', i.length('contents') - 64),
  ],
  ['metadata of over 2 GiB', 'overlaps|too large|do not end', (i) => i.setOffset('contents', 2 ** 32)],
  [
    'contents that do not start on 4096',
    'contents',
    (i) => {
      i.setOffset('contents', i.offset('contents') - 8);
      i.setLength('contents', i.length('contents') + 8);
    },
  ],
];

const nodeRules: [string, string, Damage][] = [
  ['a name outside the names', 'node 4 has a name outside', u32((i) => i.node(4, 'nameOffset'), 1 << 20)],
  ['a name at the root', 'node 0 is the root and has a name', u16((i) => i.node(0, 'nameBytes'), 1)],
  ['an empty name', 'node 4 has a name of illegal length', u16((i) => i.node(4, 'nameBytes'), 0)],
  ['a name with a NUL', "node 4 has a name with NUL or '/'", (i) => i.data.writeUInt8(0, i.name(4))],
  ["a name with '/'", "node 4 has a name with NUL or '/'", (i) => i.data.write('/', i.name(4))],
  ["the name '..'", "node 4 is named '.' or '..'", (i) => i.data.write('..', i.name(4))],
  [
    "the name '.'",
    "node 4 is named '.' or '..'",
    (i) => {
      i.data.write('.', i.name(4));
      i.data.writeUInt16LE(1, i.node(4, 'nameBytes'));
    },
  ],
  ['a name that is not UTF-8', 'node 4', (i) => i.data.writeUInt8(0xc3, i.name(4) + 1)],
  ['a file as the root', 'node 0 is no root directory', u16((i) => i.node(0, 'mode'), 0o100644)],
  ['a root with a parent', 'node 0 is no root directory', u32((i) => i.node(0, 'parent'), 1)],
  ['a node that is its own parent', 'node 4 comes before its parent', u32((i) => i.node(4, 'parent'), 4)],
  ['a parent that comes later', 'node 4 comes before its parent', u32((i) => i.node(4, 'parent'), 5)],
  ["another's child", 'node 4 is not among the children', u32((i) => i.node(4, 'parent'), 1)],
  ['a child of a file', 'node 7 is not among the children', u32((i) => i.node(7, 'parent'), 4)],
  ['names out of order', 'node 5 is not in name order', (i) => i.data.write('zz', i.name(4))],
  ['a name twice', 'node 5 is not in name order or is there twice', (i) => i.data.write('aa', i.name(5))],
  ['a directory with flags', 'node 5 is a directory with contents', u32((i) => i.node(5, 'flags'), 1)],
  ['a directory with a size', 'node 5 is a directory with contents', u64((i) => i.node(5, 'sizeBytes'), 1)],
  [
    'a directory with a digest',
    'node 5 is a directory with a digest',
    u32((i) => i.node(5, 'digestIndex'), 1),
  ],
  [
    'a directory with a base node',
    'node 5 is a directory with a digest',
    u32((i) => i.node(5, 'baseNode'), 1),
  ],
  [
    'a first child without children',
    'node 5 has a first child but no children',
    u32((i) => i.node(5, 'childCount'), 0),
  ],
  [
    'children of two directories that overlap',
    'node 2 has children out of order',
    u32((i) => i.node(2, 'firstChild'), 3),
  ],
  ['a gap between the children', 'node 5 has children out of order', u32((i) => i.node(5, 'firstChild'), 8)],
  ['children past the end', 'node 5 has children past the end', u32((i) => i.node(5, 'childCount'), 3)],
  ['an orphan', 'not among the children|no directory holds', u32((i) => i.node(5, 'childCount'), 1)],
  ['set-id bits', 'node 4 has an unknown mode', u16((i) => i.node(4, 'mode'), 0o104755)],
  ['a symbolic link', 'node 4 has an unknown mode', u16((i) => i.node(4, 'mode'), 0o120777)],
  ['a directory open to all', 'node 4 has an unknown mode', u16((i) => i.node(4, 'mode'), 0o040777)],
  ['a file with children', 'node 4 is a file with children', u32((i) => i.node(4, 'childCount'), 1)],
  ['unknown flags', 'node 4 has unknown flags', u32((i) => i.node(4, 'flags'), 0x400)],
  ['an unknown codec', 'node 4 has an unknown codec', u32((i) => i.node(4, 'flags'), 1)],
  ['a reference to a base image', 'node 4 refers to a base image', u32((i) => i.node(4, 'flags'), 0x200)],
  ['a base node without the flag', 'node 4 has a base node', u32((i) => i.node(4, 'baseNode'), 1)],
  ['another digest index', 'node 4 has the wrong digest index', u32((i) => i.node(4, 'digestIndex'), 0)],
  [
    'a size of over 2^52',
    'node 4 has a size or an offset out of range',
    u64((i) => i.node(4, 'sizeBytes'), 2n ** 60n),
  ],
  [
    'an offset of over 2^52',
    'node 4 has a size or an offset out of range',
    u64((i) => i.node(4, 'contentOffset'), 2n ** 63n),
  ],
  ['another stored size', 'node 4 has a stored size', u64((i) => i.node(4, 'storedBytes'), 3)],
  [
    'an empty file with an offset',
    'node 6 is empty but has an offset',
    u64((i) => i.node(6, 'contentOffset'), 64),
  ],
  ['contents in the metadata', 'node 4 has contents before', u64((i) => i.node(4, 'contentOffset'), 64)],
  [
    'contents past the end',
    'node 4 has contents past the end',
    (i) => i.data.writeBigUInt64LE(BigInt(i.data.length - 3), i.node(4, 'contentOffset')),
  ],
  [
    'too few digests',
    'the digest section has the wrong length',
    (i) => i.setLength('digests', i.length('digests') - 32),
  ],
  [
    'meta that is no MessagePack',
    'the meta section cannot be decoded',
    (i) => i.data.fill(0xc1, i.offset('meta'), i.offset('meta') + 8),
  ],
  [
    'meta that is another value',
    'the meta section cannot be decoded',
    (i) => {
      i.data.writeUInt8(0x01, i.offset('meta'));
      i.setLength('meta', 1);
    },
  ],
];

for (const [title, says, damage] of [...headerRules, ...nodeRules]) {
  test(`an image with ${title} is refused`, async (t) => {
    const image = await pristine(t);
    damage(image);
    await refused(t, 'IMAGE_DAMAGED', ['damaged.img', new RegExp(says.replaceAll('.', '\\.'))], () =>
      openDamaged(t, image.sign()),
    );
  });
}

const unsigned: [string, ErrorCode, string, Damage][] = [
  ['another magic number', 'IMAGE_DAMAGED', 'magic', (i) => i.data.write('X', 0)],
  ['a newer version', 'IMAGE_VERSION', 'format 2', u32(() => header.version, 2)],
  ['unknown features', 'IMAGE_VERSION', 'unknown features', u32(() => header.features, 1)],
  ['a changed header', 'IMAGE_DAMAGED', 'the header digest', u64(() => header.serial, 5)],
  ['a changed node', 'IMAGE_DAMAGED', "section 'nodes'", u64((i) => i.node(4, 'mtimeNs'), 5)],
  ['a changed name', 'IMAGE_DAMAGED', "section 'names'", (i) => i.data.write('q', i.name(4))],
  ['changed meta', 'IMAGE_DAMAGED', "section 'meta'", (i) => i.data.write('q', i.offset('meta') + 9)],
];
for (const [title, code, says, damage] of unsigned) {
  test(`an image with ${title} is refused as ${code}`, async (t) => {
    const image = await pristine(t);
    damage(image);
    await refused(t, code, [says], () => openDamaged(t, image.data));
  });
}

test('changed digests are found when they are read', async (t) => {
  const image = await pristine(t);
  image.data.writeUInt8(image.data.readUInt8(image.offset('digests')) ^ 1, image.offset('digests'));
  const opened = await openDamaged(t, image.data);
  await refused(t, 'IMAGE_DAMAGED', ["section 'digests'"], () => readDigests(opened));
});

test('an image cut or extended anywhere is refused', async (t) => {
  const { data } = await pristine(t);
  const lengths = [0, 1, 8, 391, 392, 393, data.length - 1];
  for (let length = 4096; length < data.length; length += 4096) lengths.push(length);
  for (const length of lengths) {
    await refused(t, 'IMAGE_DAMAGED', ['damaged.img'], () => openDamaged(t, data.subarray(0, length)));
  }
  const longer = Buffer.concat([data, Buffer.alloc(1)]);
  await refused(t, 'IMAGE_DAMAGED', ['bytes, not'], () => openDamaged(t, longer));
});

test('any flipped bit before the contents is found', async (t) => {
  const { data } = await pristine(t);
  const folder = await temporaryFolder(t);
  const image = new DamagedImage(data);
  const metadata = image.offset('meta') + image.length('meta');
  for (let at = 0; at < metadata; at += 5) {
    const flipped = Buffer.from(data);
    flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << (at % 8)), at);
    const path = join(folder, 'flipped.img');
    await writeFile(path, flipped);
    const gap = ['nodes', 'names', 'meta'].every((name) => {
      const start = image.offset(name as 'nodes');
      return at < start || at >= start + image.length(name as 'nodes');
    });
    if (at >= 392 && gap) continue;
    const error = await t.throwsAsync(Image.open(path), undefined, `byte ${at}`);
    t.is(error?.name, 'ShenvError', `byte ${at}: ${error?.message}`);
  }
});
