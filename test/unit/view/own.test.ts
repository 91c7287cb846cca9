import test from 'ava';
import { checkedBytecodeHeader } from '../../../src/view/bytecode-header.js';
import { compose } from '../../../src/view/compose.js';
import { encodeView } from '../../../src/view/encode.js';
import {
  environmentInode,
  environmentOf,
  foldDiskInode,
  isOfEnvironment,
  isUpper,
  maxEnvironmentSerial,
  maxSlot,
  nodeOf,
  slotOf,
  upperInode,
  upperNumberOf,
} from '../../../src/view/inode.js';
import { attributesOf } from '../../../src/view/locate.js';
import type { View } from '../../../src/view/tree.js';
import { StoredHome } from '../../support/stored-home.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { buildImages, fakeInterpreter, layerOf, site, walkView } from '../../support/views.js';

const input = {
  environmentSerial: 3,
  interpreter: fakeInterpreter(),
  systemSitePackages: false,
  mtimeNs: 1_700_000_000_000_000_000n,
};

const specs = [
  { name: 'one', files: { 'site/ns/a.py': '', 'site/one/x.py': 'x = 1\n', 'bin/tool': '' } },
  { name: 'two', files: { 'site/ns/b.py': '' } },
];

function find(view: View, path: string) {
  const entry = new Map(walkView(view)).get(path);
  if (!entry) throw new Error(`no ${path}`);
  return entry;
}

test('in an own view files of images have numbers of the environment, made of slot and node', async (t) => {
  const images = await buildImages(await temporaryFolder(t), specs);
  const layers = images.map((image, index) => layerOf(image, index + 1));
  const own = compose({ ...input, layers, isOwn: true });
  const entry = find(own, `${site}/one/x.py`);
  if (entry.kind !== 'file') return t.fail();
  const { inode } = attributesOf(own, entry);
  t.is(inode, environmentInode(3, 1, entry.node));
  t.deepEqual([environmentOf(inode), slotOf(inode), nodeOf(inode)], [3, 1, entry.node]);
  const numbers = [...walkView(own)].map(([, each]) => attributesOf(own, each).inode);
  t.is(new Set(numbers).size, numbers.length);
  t.true(numbers.every((number) => isOfEnvironment(number) && !isUpper(number)));
});

test('times and modes of a layer are shown in the place of its image, in an own view alone', async (t) => {
  const images = await buildImages(await temporaryFolder(t), specs);
  const [one, two] = images as [(typeof images)[0], (typeof images)[0]];
  const folder = one.lookup(one.lookup(0, 'site')!, 'one')!;
  const shared = one.lookup(one.lookup(0, 'site')!, 'ns')!;
  const times = new Map([
    [one.lookup(folder, 'x.py')!, { mtimeNs: 5n, mode: 0o660 }],
    [folder, { mtimeNs: -7n, mode: 0o2 }],
    [shared, { mtimeNs: 9n, mode: 0o700 }],
  ]);
  const layers = [layerOf(one, 1, { times }), layerOf(two, 2)];
  const shown = (isOwn: boolean) => {
    const view = compose({ ...input, layers, isOwn });
    return ['one/x.py', 'one', 'ns/a.py'].map((path) => {
      const { mtimeNs, mode } = attributesOf(view, find(view, `${site}/${path}`));
      return [mtimeNs, mode];
    });
  };
  const itsOwn = one.mtimeNsOf(one.lookup(shared, 'a.py')!);
  t.deepEqual(shown(true), [
    [5n, 0o100660],
    [-7n, 0o40002],
    [itsOwn, 0o100644],
  ]);
  t.deepEqual(
    shown(false).map(([, mode]) => mode),
    [0o100644, 0o40755, 0o100644],
  );
  t.false(shown(false).some(([mtimeNs]) => mtimeNs === 5n));
  const merged = compose({ ...input, layers, isOwn: true });
  const { mtimeNs, mode } = attributesOf(merged, find(merged, `${site}/ns`));
  t.deepEqual([mtimeNs, mode], [9n, 0o40700]);
  const encoded = encodeView(merged);
  const directories = 52 + layers.length * 8;
  const found = Array.from({ length: encoded.readUInt32LE(24) }, (_, index) =>
    encoded.readUInt32LE(directories + index * 32 + 28),
  );
  t.is(found.filter((each) => each === 0o40700).length, 1);
  t.true(found.every((each) => each === 0o40700 || each === 0o40755));
});

test('an own view is encoded with its flag and its times and modes in the order of nodes', async (t) => {
  const [image] = await buildImages(await temporaryFolder(t), specs.slice(0, 1));
  const node = image!.lookup(image!.lookup(image!.lookup(0, 'site')!, 'one')!, 'x.py')!;
  t.true(node > 2);
  const times = new Map([
    [node, { mtimeNs: 44n, mode: 0o600 }],
    [2, { mtimeNs: -22n }],
    [2 ** 27, { mtimeNs: 1n, mode: 0o600 }],
  ]);
  const layers = [layerOf(image!, 1, { times })];
  const encoded = encodeView(compose({ ...input, layers, isOwn: true }));
  t.deepEqual([encoded.readUInt32LE(8), encoded.readUInt32LE(16), encoded.readUInt32LE(48)], [3, 2, 2]);
  const at = encoded.length - encoded.readUInt32LE(44) - 48;
  const row = (from: number) => [
    encoded.readUInt32LE(from),
    encoded.readUInt32LE(from + 4),
    encoded.readBigInt64LE(from + 8),
    encoded.readUInt32LE(from + 16),
    encoded.readUInt32LE(from + 20),
  ];
  t.deepEqual(
    [row(at), row(at + 24)],
    [
      [0, 2, -22n, 0, 0],
      [0, node, 44n, 0o100600, 0],
    ],
  );
  const shared = encodeView(compose({ ...input, layers }));
  t.deepEqual([shared.readUInt32LE(16), shared.readUInt32LE(48)], [0, 0]);
});

test('bytecode of an own view is valid for the time and size of its source as shown', async (t) => {
  const home = await StoredHome.make(t);
  const base = await home.put('alpha', '1.0', 100);
  const image = await home.compile(base);
  const folder = image.lookup(0, 'site')!;
  const source = image.lookup(folder, 'alpha.py')!;
  const cache = image.lookup(folder, '__pycache__')!;
  const node = image.lookup(cache, 'alpha.cpython-999.pyc')!;
  const header = (seconds: bigint, isOwn = true) => {
    const times = new Map([[source, { mtimeNs: seconds * 1_000_000_000n - 1n }]]);
    return checkedBytecodeHeader(
      compose({ ...input, layers: [layerOf(image, 1, { times })], isOwn }),
      0,
      node,
    );
  };
  const expected = (seconds: number) => {
    const bytes = Buffer.alloc(12);
    bytes.writeUInt32LE(seconds, 4);
    bytes.writeUInt32LE(101, 8);
    return bytes;
  };
  t.deepEqual(header(2n ** 32n + 6n), expected(5));
  t.deepEqual(header(0n), expected(2 ** 32 - 1));
  t.is(header(1n, false), undefined);
  const view = compose({ ...input, layers: [layerOf(image, 1), layerOf(base, 2)], isOwn: true });
  t.is(checkedBytecodeHeader(view, 0, source), undefined);
  t.is(checkedBytecodeHeader(view, 0, cache), undefined);
  t.is(checkedBytecodeHeader(view, 1, base.lookup(base.lookup(0, 'site')!, 'alpha.py')!), undefined);
});

test('what an upper layer holds has numbers that no layer can have', (t) => {
  const number = upperInode(maxEnvironmentSerial, 2n ** 40n - 1n);
  t.true(isUpper(number) && isOfEnvironment(number));
  t.deepEqual([environmentOf(number), upperNumberOf(number)], [maxEnvironmentSerial, 2n ** 40n - 1n]);
  t.true(upperInode(3, 0n) > environmentInode(3, maxSlot, 2 ** 28 - 1));
  t.true(upperInode(3, 2n ** 40n - 1n) < environmentInode(4, 0, 0));
  t.false(isUpper(environmentInode(3, maxSlot, 2 ** 28 - 1)));
  t.false(isUpper(1n));
  for (const [environment, given] of [
    [maxEnvironmentSerial + 1, 0n],
    [0, 2n ** 40n],
    [0, -1n],
  ] as const)
    t.throws(() => upperInode(environment, given), { instanceOf: RangeError });
});

test('the inode number of a disk is folded to 40 bits; a small one stays', (t) => {
  t.is(foldDiskInode(12_345n), 12_345n);
  t.is(foldDiskInode((1n << 40n) | 12_345n), 12_344n);
  t.true(foldDiskInode(2n ** 64n - 1n) < 2n ** 40n);
});
