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

test('times of a layer are shown in the place of its image, in an own view alone', async (t) => {
  const images = await buildImages(await temporaryFolder(t), specs);
  const [one, two] = images as [(typeof images)[0], (typeof images)[0]];
  const folder = one.lookup(one.lookup(0, 'site')!, 'one')!;
  const shared = one.lookup(one.lookup(0, 'site')!, 'ns')!;
  const times = new Map([
    [one.lookup(folder, 'x.py')!, 5n],
    [folder, -7n],
    [shared, 9n],
  ]);
  const layers = [layerOf(one, 1, { times }), layerOf(two, 2)];
  const shown = (isOwn: boolean) => {
    const view = compose({ ...input, layers, isOwn });
    return ['one/x.py', 'one', 'ns/a.py'].map(
      (path) => attributesOf(view, find(view, `${site}/${path}`)).mtimeNs,
    );
  };
  t.deepEqual(shown(true), [5n, -7n, one.mtimeNsOf(one.lookup(shared, 'a.py')!)]);
  t.false(shown(false).includes(5n));
  const merged = compose({ ...input, layers, isOwn: true });
  t.is(attributesOf(merged, find(merged, `${site}/ns`)).mtimeNs, 9n);
});

test('an own view is encoded with its flag and its times in the order of nodes', async (t) => {
  const [image] = await buildImages(await temporaryFolder(t), specs.slice(0, 1));
  const times = new Map([
    [4, 44n],
    [2, -22n],
    [2 ** 27, 1n],
  ]);
  const layers = [layerOf(image!, 1, { times })];
  const encoded = encodeView(compose({ ...input, layers, isOwn: true }));
  t.deepEqual([encoded.readUInt32LE(8), encoded.readUInt32LE(16), encoded.readUInt32LE(48)], [2, 2, 2]);
  const at = encoded.length - encoded.readUInt32LE(44) - 32;
  const row = (from: number) => [
    encoded.readUInt32LE(from),
    encoded.readUInt32LE(from + 4),
    encoded.readBigInt64LE(from + 8),
  ];
  t.deepEqual(
    [row(at), row(at + 16)],
    [
      [0, 2, -22n],
      [0, 4, 44n],
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
    const times = new Map([[source, seconds * 1_000_000_000n - 1n]]);
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
