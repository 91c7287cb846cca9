import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { UpperLayer } from '../../../src/upper/upper-layer.js';
import { TestEvents, TestLayer } from '../../support/upper-layers.js';
import { site } from '../../support/views.js';

const specs = [{ name: 'one', files: { 'site/one/x.py': 'x' } }];

function openAgain({ folder, lower }: TestLayer, lockWaitMs = 0): Promise<UpperLayer> {
  const events = new TestEvents();
  return UpperLayer.open({ folder, environmentSerial: 3, lower, isTakenOver: false, lockWaitMs, events });
}

test('one process at a time has an upper layer', async (t) => {
  const upper = await TestLayer.make(t, specs);
  await t.throwsAsync(openAgain(upper), { code: 'ENVIRONMENT_BUSY' });
  upper.close();
  (await openAgain(upper)).close();
});

test('who takes a mount over waits for the process before to end', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const next = openAgain(upper, 5_000);
  await setTimeout(1);
  upper.close();
  await t.notThrowsAsync(next);
  (await next).close();
});

test('a frozen environment takes no change and shows what it has', async (t) => {
  const upper = await TestLayer.make(t, specs);
  upper.create('f', 'f');
  writeFileSync(join(upper.folder, 'frozen'), '');
  await upper.reopen();
  t.true(upper.layer.isFrozen);
  t.is(upper.read('f'), 'f');
  const code = 'EROFS';
  t.throws(() => upper.create('g', ''), { code });
  t.throws(() => upper.unlink('f'), { code });
  t.throws(() => upper.rename('f', 'g'), { code });
  t.throws(() => upper.mkdir('d'), { code });
  t.throws(() => upper.write('f', ''), { code });
  t.throws(() => upper.link('f', 'g'), { code });
  t.throws(() => upper.layer.setAttributes(upper.inodeOf('f'), { mode: 0 }), { code });
  t.throws(
    () => upper.layer.makeTemporary(upper.root, { isResent: false, owner: { uid: 0, gid: 0 }, mode: 0 }),
    { code },
  );
  rmSync(join(upper.folder, 'frozen'));
  await upper.reopen();
  upper.create('g', '');
  t.is(upper.read('g'), '');
});

test('any number of processes shows a frozen one, and nothing on disk is changed', async (t) => {
  const upper = await TestLayer.make(t, specs);
  upper.create('f', 'f');
  const inode = upper.inodeOf('f');
  upper.unlink('f');
  const orphans = upper.orphansOnDisk();
  t.is(orphans.length, 1);
  writeFileSync(join(upper.folder, 'frozen'), '');
  await upper.reopen();
  t.deepEqual(upper.events.orphans, new Set());
  const other = await openAgain(upper);
  t.deepEqual(upper.orphansOnDisk(), orphans);
  other.close();
  // One that goes on where a mount was shows what it has open still.
  await upper.reopen(true);
  t.deepEqual(upper.events.orphans, new Set([inode]));
  t.deepEqual(upper.orphansOnDisk(), orphans);
});

test('an operation that comes after the end finds nothing', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const { layer, root } = upper;
  upper.close();
  t.throws(() => layer.mkdir(root, 'late', { isResent: false, owner: { uid: 0, gid: 0 }, mode: 0o755 }), {
    code: 'ENOENT',
  });
});

test('an upper layer goes on where its folder is moved to', async (t) => {
  const upper = await TestLayer.make(t, specs);
  renameSync(upper.folder, `${upper.folder}-moved`);
  mkdirSync(upper.folder);
  upper.create('f', 'f');
  t.is(upper.read('f'), 'f');
});

test('syncing reaches the folders that were copied up, once', async (t) => {
  const upper = await TestLayer.make(t, specs);
  upper.write(`${site}/one/x.py`, 'X');
  for (const path of [`${site}/one/x.py`, `${site}/one`, '', 'pyvenv.cfg', 'lib64']) {
    await t.notThrowsAsync(upper.layer.sync(upper.inodeOf(path)), path);
  }
});

test('what is missing of an upper layer is made when it is opened', async (t) => {
  const upper = await TestLayer.make(t, specs);
  upper.close();
  rmSync(join(upper.folder, 'orphans'), { recursive: true });
  rmSync(join(upper.folder, 'tree'), { recursive: true });
  await upper.open(false);
  t.is(upper.stat('').mode, 0o040755);
  upper.create('f', '');
  upper.unlink('f');
  t.is(upper.orphansOnDisk().length, 1);
});

test('what was not finished goes when the layer is opened again', async (t) => {
  const upper = await TestLayer.make(t, specs);
  writeFileSync(join(upper.folder, 'orphans', 'new-1'), 'half');
  mkdirSync(join(upper.folder, 'orphans', 'new-2'));
  await upper.reopen(true);
  t.deepEqual(upper.orphansOnDisk(), []);
});
