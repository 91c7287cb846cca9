import test from 'ava';
import { toSerial } from '../../../src/base/brands.js';
import { compose } from '../../../src/view/compose.js';
import {
  environmentInode,
  fileInode,
  maxEnvironmentSerial,
  maxSlot,
  packageInode,
  rootInode,
} from '../../../src/view/inode.js';
import { attributesOf } from '../../../src/view/locate.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import {
  buildImages,
  composeImages,
  fakeInterpreter,
  inodesOf,
  layerOf,
  walkView,
} from '../../support/views.js';

const specs = [
  { name: 'one', files: { 'site/ns/a.py': '', 'site/one/x/y.py': '', 'bin/tool': '' } },
  { name: 'two', files: { 'site/ns/b.py': '', 'data/share/two': '' } },
];

test('regular files of images are one inode in every environment, all else is another', async (t) => {
  const images = await buildImages(await temporaryFolder(t), specs);
  const [first, second] = [composeImages(images, 1), composeImages(images, 2)];
  const [one, two] = [inodesOf(first), inodesOf(second)];
  t.deepEqual([...one.keys()], [...two.keys()]);
  for (const [path, entry] of walkView(first)) {
    if (entry.kind === 'file') t.is(one.get(path), two.get(path), path);
    else t.not(one.get(path), two.get(path), path);
  }
});

test('no two paths of an environment share an inode', async (t) => {
  const images = await buildImages(await temporaryFolder(t), specs);
  const inodes = [...inodesOf(composeImages(images)).values()];
  t.is(new Set(inodes).size, inodes.length);
  t.false(inodes.includes(rootInode));
});

test('inodes are the same when an environment is composed again', async (t) => {
  const folder = await temporaryFolder(t);
  const images = await buildImages(folder, specs);
  t.deepEqual(inodesOf(composeImages(images, 7)), inodesOf(composeImages(images, 7)));
});

test('a further layer changes no inode of what is there', async (t) => {
  const more = { name: 'three', files: { 'site/ns/c.py': '', 'site/one/z.py': '', 'data/share/three': '' } };
  const images = await buildImages(await temporaryFolder(t), [...specs, more]);
  const before = inodesOf(composeImages(images.slice(0, 2)));
  const after = inodesOf(composeImages(images));
  for (const [path, inode] of before) t.is(after.get(path), inode, path);
});

test('a layer keeps its inodes when one before it goes, because it keeps its slot', async (t) => {
  const images = await buildImages(await temporaryFolder(t), specs);
  const input = {
    environmentSerial: 1,
    interpreter: fakeInterpreter(),
    systemSitePackages: false,
    mtimeNs: 0n,
  };
  const layers = images.map((image, index) => layerOf(image, index + 1));
  const both = inodesOf(compose({ ...input, layers }));
  const alone = compose({ ...input, layers: layers.slice(1) });
  for (const [path, entry] of walkView(alone)) {
    if (path.endsWith('/ns')) continue;
    t.is(attributesOf(alone, entry).inode as bigint, both.get(path)!, path);
  }
});

test('the number of the interpreter does not enter the inodes of what stays', async (t) => {
  const images = await buildImages(await temporaryFolder(t), specs);
  const [old, young] = [composeImages(images, 1, '3.11'), composeImages(images, 1, '3.12')];
  for (const path of ['bin', 'bin/activate', 'lib', 'pyvenv.cfg', 'bin/tool'])
    t.is(inodesOf(old).get(path), inodesOf(young).get(path), path);
});

test('the three ranges of inode numbers do not meet', (t) => {
  const highest = 2 ** 28 - 1;
  const file = fileInode(toSerial(2 ** 31 - 1), 2 ** 32 - 1);
  const low = environmentInode(0, 0, 0);
  const high = environmentInode(maxEnvironmentSerial, maxSlot, highest);
  const shown = packageInode(toSerial(1), 0);
  t.true(fileInode(toSerial(1), 0) > rootInode);
  t.true(file < low && low < high && high < shown);
  t.true(packageInode(toSerial(2 ** 31 - 1), 2 ** 31 - 1) < 2n ** 64n);
});

for (const [title, parts] of [
  ['an environment', [maxEnvironmentSerial + 1, 0, 0]],
  ['a slot', [0, maxSlot + 1, 0]],
  ['a node', [0, 0, 2 ** 28]],
] as const) {
  test(`${title} out of range has no inode`, (t) => {
    t.throws(() => environmentInode(parts[0], parts[1], parts[2]), { instanceOf: RangeError });
  });
}
