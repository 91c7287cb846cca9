import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TestLayer } from '../../support/upper-layers.js';
import { site } from '../../support/views.js';

const specs = [
  {
    name: 'one',
    files: {
      'site/one/x/y.py': 'y',
      'site/one/x/z.py': 'z',
      'site/one/e.py': 'e',
      'bin/tool': '#!/bin/sh\n',
    },
    executable: ['bin/tool'],
    mtimeNs: 1_650_000_000_123_456_789n,
  },
];
const one = `${site}/one`;
const folders = ['lib/', 'lib/python3.11/', `${site}/`];
/** Whole paths, the folders above site-packages left out. */
const below = (names: readonly string[]) => names.filter((name) => !folders.includes(name));

test('a file that is made anew lies at its place, in folders with mode and time of the lower ones', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const before = upper.stat(`${one}/x`);
  upper.create(`${one}/x/new.py`, 'new');
  t.deepEqual(upper.onDisk(), [...folders, `${one}/`, `${one}/x/`, `${one}/x/new.py`].sort());
  t.is(readFileSync(join(upper.tree, one, 'x/new.py'), 'utf8'), 'new');
  t.is(upper.stat(one).mtimeNs, before.mtimeNs);
  t.true(upper.stat(`${one}/x`).mtimeNs > before.mtimeNs);
  t.is(upper.stat(`${one}/x`).inode, before.inode);
  t.deepEqual(upper.names(`${one}/x`), ['new.py', 'y.py', 'z.py']);
});

test('a lower file that is written to is copied with its mode, time and number', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const [before, folder] = [upper.stat('bin/tool'), upper.stat('bin')];
  upper.run((layer) => layer.setAttribute(upper.inodeOf('bin/tool'), 'user.a', Buffer.from('1'), 0));
  const after = upper.stat('bin/tool');
  t.deepEqual(
    [after.inode, after.mode, after.mtimeNs, after.size],
    [before.inode, before.mode, before.mtimeNs, before.size],
  );
  t.true(before.isLower && !after.isLower);
  t.is(upper.stat('bin').mtimeNs, folder.mtimeNs);
  t.true(upper.events.isChanged.has(before.inode));
  t.deepEqual(upper.layer.listAttributes(before.inode), ['user.a']);
  await upper.reopen();
  t.is(upper.inodeOf('bin/tool'), before.inode);
  t.true(upper.events.isChanged.has(before.inode));
});

test('a lower name that goes leaves a whiteout, and the time of its folder changes', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const before = upper.stat(`${one}/x`).mtimeNs;
  upper.unlink(`${one}/x/y.py`);
  t.deepEqual(below(upper.onDisk()), [`${one}/`, `${one}/x/`, `${one}/x/.wh.y.py`]);
  t.is(lstatSync(join(upper.tree, one, 'x/.wh.y.py')).size, 0);
  t.true(upper.stat(`${one}/x`).mtimeNs > before);
  t.is(upper.layer.lookup(upper.inodeOf(`${one}/x`), 'y.py'), undefined);
});

test('a whiteout stays when its name is given anew, and nothing of the lower tree comes back', async (t) => {
  const upper = await TestLayer.make(t, specs);
  for (const name of ['y.py', 'z.py']) upper.unlink(`${one}/x/${name}`);
  upper.rmdir(`${one}/x`);
  upper.mkdir(`${one}/x`);
  t.deepEqual(below(upper.onDisk()), [`${one}/`, `${one}/.wh.x`, `${one}/x/`]);
  await upper.reopen();
  t.deepEqual(upper.names(`${one}/x`), []);
});

test('an upper file over a lower name is replaced by a whiteout when it goes', async (t) => {
  const upper = await TestLayer.make(t, specs);
  upper.write(`${one}/e.py`, 'changed');
  upper.unlink(`${one}/e.py`);
  t.deepEqual(below(upper.onDisk()), [`${one}/`, `${one}/.wh.e.py`]);
});

test('an upper name that the lower tree does not have leaves nothing', async (t) => {
  const upper = await TestLayer.make(t, specs);
  upper.create('f', '');
  upper.mkdir('d');
  upper.unlink('f');
  upper.rmdir('d');
  t.deepEqual(upper.onDisk(), []);
});

test('a lower folder that is moved takes along no content, but goes on to show its lower one', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const [before, inside] = [upper.stat(one), upper.stat(`${one}/x/y.py`)];
  upper.rename(one, `${site}/~ne`);
  t.deepEqual(below(upper.onDisk()), [`${site}/.wh.one`, `${site}/~ne/`, `${site}/~ne/.wh..lower`]);
  t.is(readFileSync(join(upper.tree, site, '~ne/.wh..lower'), 'utf8'), one);
  t.deepEqual(
    [upper.stat(`${site}/~ne`).inode, upper.stat(`${site}/~ne`).mtimeNs],
    [before.inode, before.mtimeNs],
  );
  t.deepEqual(upper.stat(`${site}/~ne/x/y.py`), inside);
  await upper.reopen();
  t.is(upper.stat(`${site}/~ne`).inode, before.inode);
  upper.write(`${site}/~ne/x/y.py`, 'Y');
  t.is(upper.read(`${site}/~ne/x/y.py`), 'Y');
  t.is(upper.layer.pathOf(inside.inode), `${site}/~ne/x/y.py`);
  t.is(upper.layer.parentOf(inside.inode), upper.inodeOf(`${site}/~ne/x`));
});

test('what is in a moved lower folder can be taken away, and then the folder', async (t) => {
  const upper = await TestLayer.make(t, specs);
  upper.rename(one, `${site}/~ne`);
  for (const name of ['x/y.py', 'x/z.py', 'e.py']) upper.unlink(`${site}/~ne/${name}`);
  t.throws(() => upper.rmdir(`${site}/~ne`), { code: 'ENOTEMPTY' });
  upper.rmdir(`${site}/~ne/x`);
  upper.rmdir(`${site}/~ne`);
  t.deepEqual(below(upper.onDisk()), [`${site}/.wh.one`]);
});

test('a folder of the upper layer does not get the content of the lower one that it is moved over', async (t) => {
  const upper = await TestLayer.make(t, specs);
  upper.mkdir('new');
  upper.create('new/f', 'f');
  upper.rename('include', 'old');
  upper.mkdir('include');
  upper.rename('new', 'include');
  t.deepEqual(upper.names('include'), ['f']);
  await upper.reopen();
  t.deepEqual(upper.names('include'), ['f']);
  t.deepEqual(upper.names('old'), []);
});

test('exchanged folders keep their lower ones', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const [bin, lib] = [upper.inodeOf('bin'), upper.inodeOf('lib')];
  upper.rename('bin', 'lib', 2);
  t.deepEqual(upper.onDisk(), ['.wh.bin', '.wh.lib', 'bin/', 'bin/.wh..lower', 'lib/', 'lib/.wh..lower']);
  t.true(upper.names('lib').includes('tool'));
  await upper.reopen();
  t.deepEqual([upper.inodeOf('lib'), upper.inodeOf('bin')], [bin, lib]);
});

test('a link is copied up as a link', async (t) => {
  const upper = await TestLayer.make(t, specs);
  upper.rename('bin/python', 'bin/snake');
  t.true(lstatSync(join(upper.tree, 'bin/snake')).isSymbolicLink());
  t.is(upper.layer.readLink(upper.inodeOf('bin/snake')), '/usr/bin/python3');
});

test('all names of a file with several are one inode, also after it is opened again', async (t) => {
  const upper = await TestLayer.make(t, specs);
  upper.link(`${one}/e.py`, 'first');
  upper.link('first', 'bin/second');
  const { inode, nlink } = upper.stat(`${one}/e.py`);
  t.is(nlink, 3);
  for (const path of ['first', 'bin/second']) t.is(upper.inodeOf(path), inode);
  await upper.reopen();
  for (const path of ['first', 'bin/second', `${one}/e.py`]) t.is(upper.inodeOf(path), inode);
});

for (const [name, code] of [
  ['.wh.x', 'EINVAL'],
  ['.wh..lower', 'EINVAL'],
  ['é'.repeat(128), 'ENAMETOOLONG'],
] as const) {
  test(`a name that has a meaning on disk, or is too long, cannot be given: ${name.slice(0, 12)}`, async (t) => {
    const upper = await TestLayer.make(t, specs);
    upper.create('f', '');
    t.throws(() => upper.create(name, ''), { code });
    t.throws(() => upper.mkdir(name), { code });
    t.throws(() => upper.symlink('f', name), { code });
    t.throws(() => upper.link('f', name), { code });
    t.throws(() => upper.rename('f', name), { code });
    t.throws(() => upper.unlink(name), { code: code === 'EINVAL' ? 'ENOENT' : code });
  });
}

test('a lower name for whose whiteout there is no room cannot be taken away', async (t) => {
  const long = 'n'.repeat(252);
  const upper = await TestLayer.make(t, [{ files: { [`site/${long}`]: '', 'site/.lower': '' } }]);
  t.throws(() => upper.unlink(`${site}/${long}`), { code: 'ENAMETOOLONG' });
  t.throws(() => upper.unlink(`${site}/.lower`), { code: 'EINVAL' });
  upper.write(`${site}/${long}`, 'x');
  t.is(upper.read(`${site}/${long}`), 'x');
});

test('what is made has the mode that was asked for, whatever the umask of the process', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const umask = process.umask(0o077);
  t.teardown(() => process.umask(umask));
  t.is(upper.create('f', '', 0o4755).mode, 0o104755);
  t.is(upper.mkdir('d', 0o1777).mode, 0o041777);
  t.is(upper.layer.makeNode(upper.root, 'p', { ...request, mode: 0o010666, device: 0 }).mode, 0o010666);
  upper.rename('bin/tool', 'tool');
  t.is(upper.stat('tool').mode, 0o100755);
  t.is(upper.stat('bin').mode, 0o040755);
});

const request = { isResent: false, owner: { uid: process.getuid!(), gid: process.getgid!() } };

test('a content that is missing is asked for before anything changes', async (t) => {
  const upper = await TestLayer.make(t, specs);
  t.throws(() => upper.layer.openBacking(upper.inodeOf('pyvenv.cfg'), true), { name: 'ContentMissing' });
  t.deepEqual(upper.onDisk(), []);
  t.deepEqual(upper.orphansOnDisk(), []);
  upper.write('pyvenv.cfg', 'HOME');
  t.true(upper.read('pyvenv.cfg').startsWith('HOME'));
});

test('origins show through, other attributes of shenv-fs are hidden and cannot be set', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const inode = upper.inodeOf(`${one}/e.py`);
  t.regex(upper.layer.getAttribute(inode, 'user.shenv.origin').toString(), /^one 1\.0 sha256:/);
  t.deepEqual(upper.layer.listAttributes(inode), ['user.shenv.origin']);
  t.throws(() => upper.layer.setAttribute(inode, 'user.shenv.inode', Buffer.from('x'), 0), {
    code: 'EOPNOTSUPP',
  });
  t.throws(() => upper.layer.getAttribute(inode, 'security.capability'), { code: 'EOPNOTSUPP' });
  upper.write(`${one}/e.py`, 'E');
  t.deepEqual(upper.layer.listAttributes(inode), []);
  t.throws(() => upper.layer.getAttribute(inode, 'user.shenv.inode'), { code: 'ENODATA' });
});

test('names lead to the lower view as long as nothing of them has changed', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const folder = upper.inodeOf(`${one}/x`);
  t.deepEqual(upper.layer.lookup(folder, 'y.py'), { kind: 'lower', parent: folder, name: 'y.py' });
  upper.rename(one, `${site}/moved`);
  upper.create(`${site}/moved/f`, '');
  t.deepEqual(upper.layer.lookup(upper.inodeOf(`${site}/moved`), 'e.py'), {
    kind: 'lower',
    parent: upper.inodeOf(`${site}/moved`),
    name: 'e.py',
  });
  t.is(upper.layer.lookup(upper.inodeOf(`${site}/moved`), '..')?.kind, 'upper');
});

test('a number that nothing has is stale', async (t) => {
  const upper = await TestLayer.make(t, specs);
  t.throws(() => upper.layer.attributes(12345n), { code: 'ESTALE' });
  t.throws(() => upper.layer.lookup(upper.root + 999n, 'x'), { code: 'ESTALE' });
});
