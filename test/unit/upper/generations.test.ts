import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { TestLower } from '../../support/test-lower.js';
import { TestLayer } from '../../support/upper-layers.js';
import { buildImages, layerOf, site } from '../../support/views.js';

const specs = [
  { name: 'one', files: { 'site/one/x.py': 'x', 'site/one/y.py': 'y' } },
  { name: 'two', files: { 'site/two/a.py': 'a', 'site/two/p/b.py': 'b' } },
];

/** An upper layer over the first image alone, and a lower tree with both. */
async function begin(t: ExecutionContext): Promise<{ upper: TestLayer; both: TestLower; none: TestLower }> {
  const folder = await temporaryFolder(t);
  const layers = (await buildImages(folder, specs)).map((image, index) => layerOf(image, index + 1));
  const [alone, both, none] = [
    await TestLower.of(layers.slice(0, 1)),
    await TestLower.of(layers),
    await TestLower.of([]),
  ];
  return { upper: await TestLayer.over(t, alone, join(folder, 'upper')), both, none };
}

function stampOf(upper: TestLayer, path: string): string {
  const { ino, size, mtimeNs, ctimeNs } = lstatSync(join(upper.tree, path), { bigint: true });
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

test('another generation shows through, what lies over it stays with its numbers', async (t) => {
  const { upper, both } = await begin(t);
  upper.write(`${site}/one/x.py`, 'X');
  upper.rename(`${site}/one`, `${site}/moved`);
  const numbers = ['moved', 'moved/x.py', 'moved/y.py', ''].map((path) => upper.inodeOf(join(site, path)));
  upper.setLower(both);
  t.deepEqual(
    ['moved', 'moved/x.py', 'moved/y.py', ''].map((path) => upper.inodeOf(join(site, path))),
    numbers,
  );
  t.is(upper.read(`${site}/two/p/b.py`), 'b');
  t.deepEqual(upper.names(`${site}/moved`), ['x.py', 'y.py']);
  t.is(upper.read(`${site}/moved/x.py`), 'X');
});

test('what the lower tree does not have any more is gone, what was made in it stays', async (t) => {
  const { upper, none } = await begin(t);
  upper.create(`${site}/one/mine.py`, 'mine');
  const folder = upper.inodeOf(`${site}/one`);
  upper.setLower(none);
  t.deepEqual(upper.names(`${site}/one`), ['mine.py']);
  t.is(upper.inodeOf(`${site}/one`), folder);
  upper.unlink(`${site}/one/mine.py`);
  upper.rmdir(`${site}/one`);
  t.false(upper.names(site).includes('one'));
});

test('a folder that the new lower tree has too is merged, and both numbers lead to it', async (t) => {
  const { upper, both } = await begin(t);
  const { inode } = upper.mkdir(`${site}/two`);
  upper.create(`${site}/two/a.py`, 'mine');
  upper.setLower(both);
  t.deepEqual(upper.names(`${site}/two`), ['a.py', 'p']);
  t.is(upper.inodeOf(`${site}/two`), inode);
  t.is(upper.read(`${site}/two/a.py`), 'mine');
  await upper.reopen(true);
  t.not(upper.inodeOf(`${site}/two`), inode);
  t.true(upper.events.isChanged.has(inode));
  t.deepEqual(upper.layer.attributes(inode), { ...upper.stat(`${site}/two`), inode });
});

/** What pip would have written, and the store has taken. */
async function adopt(t: ExecutionContext): Promise<TestLayer> {
  const { upper, both } = await begin(t);
  for (const folder of ['two', 'two/p', 'two-1.0.dist-info']) upper.mkdir(join(site, folder));
  upper.create(`${site}/two/a.py`, 'a');
  upper.create(`${site}/two/p/b.py`, 'b');
  for (const name of ['METADATA', 'INSTALLER', 'RECORD'])
    upper.layer.hide(`${site}/two-1.0.dist-info/${name}`);
  upper.setLower(both);
  return upper;
}

test('whiteouts of names that are not shown yet keep the next generation from showing them', async (t) => {
  const upper = await adopt(t);
  t.deepEqual(upper.names(`${site}/two-1.0.dist-info`), []);
  upper.layer.reveal(`${site}/two-1.0.dist-info/INSTALLER`);
  t.deepEqual(upper.names(`${site}/two-1.0.dist-info`), ['INSTALLER']);
  await upper.reopen();
  t.deepEqual(upper.names(`${site}/two-1.0.dist-info`), ['INSTALLER']);
});

test('a copy is given back for the lower one; who has it open keeps it', async (t) => {
  const upper = await adopt(t);
  const path = `${site}/two/a.py`;
  const [copy, folder] = [upper.inodeOf(path), upper.stat(`${site}/two`)];
  t.false(upper.layer.giveBack(path, 'of another time'));
  t.true(upper.layer.giveBack(path, stampOf(upper, path)));
  t.not(upper.inodeOf(path), copy);
  t.true(upper.stat(path).isLower);
  t.is(upper.readInode(copy).toString(), 'a');
  t.is(upper.stat(`${site}/two`).mtimeNs, folder.mtimeNs);
  t.deepEqual([...upper.events.orphans], [copy]);
});

test('a copy with attributes of its own is not given back', async (t) => {
  const upper = await adopt(t);
  const path = `${site}/two/a.py`;
  upper.layer.setAttribute(upper.inodeOf(path), 'user.mine', Buffer.from('1'), 0);
  t.false(upper.layer.giveBack(path, stampOf(upper, path)));
});

test('a copied file whose lower one is the same is answered from the view again', async (t) => {
  const { upper } = await begin(t);
  const path = `${site}/one/x.py`;
  upper.write(path, 'x');
  const inode = upper.inodeOf(path);
  t.true(upper.layer.giveBack(path, stampOf(upper, path)));
  t.false(upper.events.isChanged.has(inode));
  t.is(upper.inodeOf(path), inode);
  t.deepEqual(upper.orphansOnDisk(), []);
});

test('a folder that has nothing of its own is given back, and its number goes on to lead there', async (t) => {
  const upper = await adopt(t);
  const [folder, site2] = [upper.stat(`${site}/two/p`), upper.stat(`${site}/two`)];
  t.false(upper.layer.giveBackFolder(`${site}/two/p`, { mtimeNs: folder.mtimeNs, mode: 0o755 }));
  upper.layer.giveBack(`${site}/two/p/b.py`, stampOf(upper, `${site}/two/p/b.py`));
  t.false(upper.layer.giveBackFolder(`${site}/two/p`, { mtimeNs: 1n, mode: 0o755 }));
  t.true(upper.layer.giveBackFolder(`${site}/two/p`, { mtimeNs: folder.mtimeNs, mode: 0o755 }));
  t.true(upper.stat(`${site}/two/p`).isLower);
  t.is(upper.stat(`${site}/two`).mtimeNs, site2.mtimeNs);
  t.deepEqual(
    [...upper.layer.list(folder.inode)].map(({ name }) => name),
    ['b.py'],
  );
  t.is(upper.layer.attributes(folder.inode).inode, folder.inode);
  upper.layer.create(folder.inode, 'new.py', {
    isResent: false,
    owner: { uid: 0, gid: 0 },
    mode: 0o644,
    isExclusive: true,
  });
  t.deepEqual(upper.names(`${site}/two/p`), ['b.py', 'new.py']);
});
