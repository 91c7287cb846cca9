import { closeSync } from 'node:fs';
import test from 'ava';
import { owner, TestLayer } from '../../support/upper-layers.js';
import { site } from '../../support/views.js';

const specs = [{ name: 'one', files: { 'site/one/x.py': 'x' } }];
const again = { isResent: true, owner };
const first = { isResent: false, owner };

test('what exists already was made by the request before, if it comes again', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const { layer, root } = upper;
  const file = upper.create('f', 'kept');
  const opened = layer.create(root, 'f', { ...again, mode: 0o644, isExclusive: true });
  closeSync(opened.fd);
  t.is(opened.attributes.inode, file.inode);
  t.is(upper.read('f'), 'kept');
  const folder = upper.mkdir('d');
  t.is(layer.mkdir(root, 'd', { ...again, mode: 0o755 }).inode, folder.inode);
  upper.symlink('to', 'l');
  t.is(layer.symlink(root, 'l', 'to', again).inode, upper.inodeOf('l'));
  upper.link('f', 'g');
  t.is(layer.link(file.inode, root, 'g', again).inode, file.inode);
});

test('what exists and is something else was not made by the request before', async (t) => {
  const { layer, root, ...upper } = await made(t);
  t.throws(() => layer.mkdir(root, 'f', { ...again, mode: 0o755 }), { code: 'EEXIST' });
  t.throws(() => layer.symlink(root, 'l', 'elsewhere', again), { code: 'EEXIST' });
  t.throws(() => layer.link(upper.file, root, 'l', again), { code: 'EEXIST' });
  t.throws(() => layer.create(root, 'f', { ...first, mode: 0o644, isExclusive: true }), { code: 'EEXIST' });
});

async function made(t: Parameters<typeof TestLayer.make>[0]) {
  const upper = await TestLayer.make(t, specs);
  const file = upper.create('f', '').inode;
  upper.symlink('to', 'l');
  return { layer: upper.layer, root: upper.root, file };
}

test('what is not there was taken away by the request before, if it comes again', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const { layer, root } = upper;
  t.notThrows(() => layer.unlink(root, 'gone', again));
  t.notThrows(() => layer.rmdir(root, 'gone', again));
  t.throws(() => layer.unlink(root, 'gone', first), { code: 'ENOENT' });
  t.throws(() => layer.rmdir(root, 'gone', first), { code: 'ENOENT' });
});

test('a rename whose target exists and whose source does not was carried out before', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const { layer, root } = upper;
  upper.create('target', '');
  t.notThrows(() => layer.rename(root, 'gone', root, 'target', { isResent: true, flags: 0 }));
  t.throws(() => layer.rename(root, 'gone', root, 'target', { isResent: false, flags: 0 }), {
    code: 'ENOENT',
  });
  t.throws(() => layer.rename(root, 'gone', root, 'other', { isResent: true, flags: 0 }), { code: 'ENOENT' });
});

test('a rename of a lower folder that comes again is done once', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const parent = upper.inodeOf(site);
  upper.layer.rename(parent, 'one', parent, 'two', { isResent: false, flags: 0 });
  await upper.reopen(true);
  upper.layer.rename(parent, 'one', parent, 'two', { isResent: true, flags: 0 });
  t.is(upper.read(`${site}/two/x.py`), 'x');
});
