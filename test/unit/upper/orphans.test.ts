import { closeSync, fstatSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { carry } from '../../../src/upper/copy-up.js';
import { loadSystemCalls } from '../../../src/upper/system-calls.js';
import { plainRequest, TestLayer } from '../../support/upper-layers.js';
import { site } from '../../support/views.js';

const specs = [{ name: 'one', files: { 'site/one/x.py': 'x', 'site/one/y.py': 'y' } }];
const hex = (inode: bigint) => inode.toString(16);

test('a file without a name stays until it is forgotten', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const { inode } = upper.create('f', 'content');
  upper.unlink('f');
  t.deepEqual([...upper.events.orphans], [inode]);
  t.deepEqual(upper.orphansOnDisk(), [hex(inode)]);
  t.is(upper.readInode(inode).toString(), 'content');
  t.is(upper.layer.attributes(inode).nlink, 0);
  t.throws(() => upper.layer.link(inode, upper.root, 'again', plainRequest), { code: 'ENOENT' });
  upper.layer.forget(inode);
  t.deepEqual(upper.orphansOnDisk(), []);
  t.throws(() => upper.layer.attributes(inode), { code: 'ESTALE' });
});

test('a name that another takes over leaves its file to who has it open', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const { inode } = upper.create('old', 'old');
  upper.create('new', 'new');
  upper.rename('new', 'old');
  t.is(upper.read('old'), 'new');
  t.is(upper.readInode(inode).toString(), 'old');
  t.is(upper.layer.attributes(inode).nlink, 0);
  t.deepEqual(upper.orphansOnDisk(), [hex(inode)]);
});

test('a file that has another name is no orphan', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const { inode } = upper.create('a', '');
  upper.link('a', 'b');
  upper.create('c', '');
  upper.rename('c', 'a');
  t.is(upper.inodeOf('b'), inode);
  t.is(upper.stat('b').nlink, 1);
  t.deepEqual([...upper.events.orphans, ...upper.orphansOnDisk()], []);
  upper.layer.forget(inode);
  t.is(upper.inodeOf('b'), inode);
});

test('a lower file that is written to after it has lost its name is copied to the orphans', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const inode = upper.inodeOf(`${site}/one/x.py`);
  upper.unlink(`${site}/one/x.py`);
  const fd = upper.layer.openBacking(inode, true)!;
  writeSync(fd, 'X', 0);
  closeSync(fd);
  t.is(upper.readInode(inode).toString(), 'X');
  t.true(upper.events.isChanged.has(inode));
  t.true(upper.events.orphans.has(inode));
  upper.forgetOrphans();
  t.false(upper.events.isChanged.has(inode));
  t.deepEqual(upper.orphansOnDisk(), []);
});

test('who takes over tells of lower files that lost their names: alone, with their folder, or to another file', async (t) => {
  const upper = await TestLayer.make(t, [
    { name: 'one', files: { 'site/one/x.py': 'x', 'site/one/y.py': 'y', 'site/one/z.py': 'z' } },
    { name: 'two', files: { 'site/two/a.py': 'a', 'site/two/deep/b.py': 'b', 'site/two/kept/c.py': 'c' } },
  ]);
  const numbers = (...paths: string[]) => paths.map((path) => upper.inodeOf(`${site}/${path}`));
  const gone = numbers('one/x.py', 'one/y.py', 'two/a.py', 'two/deep/b.py');
  const stay = numbers('one/z.py', 'two/kept/c.py');
  upper.unlink(`${site}/one/x.py`);
  upper.create('new', 'new');
  upper.rename('new', `${site}/one/y.py`);
  upper.rename(`${site}/two/kept`, `${site}/kept`);
  for (const path of ['two/a.py', 'two/deep/b.py']) upper.unlink(`${site}/${path}`);
  for (const path of ['two/deep', 'two']) upper.rmdir(`${site}/${path}`);
  await upper.reopen(true);
  t.deepEqual(
    gone.map((inode) => [upper.events.isChanged.has(inode), upper.layer.attributes(inode).nlink]),
    gone.map(() => [true, 0]),
  );
  t.deepEqual(
    stay.map((inode) => [upper.events.isChanged.has(inode), upper.layer.attributes(inode).nlink]),
    stay.map(() => [false, 1]),
  );
});

test('a link that is made while its number on disk belongs to a folder that was removed keeps its number', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const numbers = new Map<string, bigint>();
  for (let round = 0; round < 20; round += 1) {
    upper.mkdir('d');
    upper.rmdir('d');
    upper.symlink('target', `l${round}`);
    numbers.set(`l${round}`, upper.inodeOf(`l${round}`));
  }
  t.is(new Set(numbers.values()).size, 20);
  t.deepEqual(upper.orphansOnDisk(), []);
  await upper.reopen(true);
  t.deepEqual(new Map([...numbers.keys()].map((name) => [name, upper.inodeOf(name)])), numbers);
});

test('what cannot have its number any more takes none that another has', async (t) => {
  const upper = await TestLayer.make(t, specs);
  upper.symlink('target', 'link');
  for (const name of ['a', 'b', 'c', 'thief']) upper.create(name, name);
  const numbers = ['a', 'b', 'c'].map((name) => upper.inodeOf(name));
  const taken = upper.inodeOf('link');
  carry(loadSystemCalls(), join(upper.tree, 'thief'), taken);
  await upper.reopen(true);
  t.is(upper.inodeOf('thief'), taken);
  t.deepEqual(
    ['a', 'b', 'c'].map((name) => upper.inodeOf(name)),
    numbers,
  );
  t.false([...numbers, taken].includes(upper.inodeOf('link')));
});

test('a temporary file has no name until it is given one', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const { attributes, fd } = upper.layer.makeTemporary(upper.root, { ...plainRequest, mode: 0o640 });
  writeSync(fd, 'later');
  closeSync(fd);
  t.deepEqual([attributes.nlink, attributes.mode], [0, 0o100640]);
  t.deepEqual(
    upper.names('').filter((name) => name === 'named'),
    [],
  );
  t.is(upper.layer.link(attributes.inode, upper.root, 'named', plainRequest).nlink, 1);
  t.is(upper.read('named'), 'later');
  t.deepEqual(upper.orphansOnDisk(), []);
  upper.layer.forget(attributes.inode);
  t.is(upper.read('named'), 'later');
});

test('orphans go when the environment is shown next, but stay when its mount is taken over', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const { inode } = upper.create('f', 'content');
  upper.unlink('f');
  await upper.reopen(true);
  t.is(upper.readInode(inode).toString(), 'content');
  t.is(upper.layer.attributes(inode).nlink, 0);
  t.true(upper.events.orphans.has(inode));
  await upper.reopen(false);
  t.deepEqual(upper.orphansOnDisk(), []);
  t.throws(() => upper.layer.attributes(inode), { code: 'ESTALE' });
});

test('a folder without a name is known until it is forgotten, and nobody gets its number', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const { inode } = upper.mkdir('d');
  upper.rmdir('d');
  t.is(upper.layer.attributes(inode).nlink, 0);
  t.is(upper.layer.lookup(inode, 'x'), undefined);
  t.deepEqual([...upper.layer.list(inode)], []);
  t.throws(() => upper.layer.mkdir(inode, 'x', { ...plainRequest, mode: 0o755 }), { code: 'ENOENT' });
  const numbers = new Set<bigint>();
  for (let count = 0; count < 20; count += 1) {
    numbers.add(upper.mkdir('d').inode);
    upper.rmdir('d');
  }
  t.is(numbers.size, 20);
  t.false(numbers.has(inode));
  const last = upper.create('f', '').inode;
  await upper.reopen();
  t.is(upper.inodeOf('f'), last);
});

test('a descriptor of a file that is made is open for reading and writing whatever its mode', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const { fd, attributes } = upper.layer.create(upper.root, 'f', {
    ...plainRequest,
    mode: 0o000,
    isExclusive: true,
  });
  t.is(attributes.mode, 0o100000);
  writeSync(fd, 'x');
  t.is(fstatSync(fd).size, 1);
  closeSync(fd);
});
