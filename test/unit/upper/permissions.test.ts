import { chmodSync, closeSync, lstatSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { TestLower } from '../../support/test-lower.js';
import { TestLayer } from '../../support/upper-layers.js';
import { site } from '../../support/views.js';

const specs = [
  { name: 'one', files: { 'site/one/x.py': 'x', 'site/one/y.py': 'y', 'site/one/sub/z.py': 'z' } },
];
const one = `${site}/one`;
const nobody = 65_534;

/** The layer of a process that may do nothing by itself: what it owns alone is open to it. */
async function asNobody(t: ExecutionContext): Promise<TestLayer> {
  const folder = await temporaryFolder(t);
  chmodSync(folder, 0o777);
  const lower = await TestLower.ofSpecs(folder, specs);
  if (process.geteuid!() === 0) {
    process.setegid!(nobody);
    process.seteuid!(nobody);
    t.teardown(() => {
      process.seteuid!(0);
      process.setegid!(0);
    });
  }
  return TestLayer.over(t, lower, join(folder, 'upper'));
}

const mode = (upper: TestLayer, path: string, value: number) =>
  upper.layer.setAttributes(upper.inodeOf(path), { mode: value });

test.serial('a file is opened for writing whatever mode its owner gave it, and keeps the mode', async (t) => {
  const upper = await asNobody(t);
  upper.create('f', 'content');
  mode(upper, 'f', 0o444);
  upper.write('f', 'C');
  t.is(upper.read('f'), 'Content');
  mode(upper, 'f', 0o000);
  const fd = upper.layer.openBacking(upper.inodeOf('f'), true)!;
  writeSync(fd, 'c', 0);
  closeSync(fd);
  t.is(upper.stat('f').mode, 0o100000);
  upper.layer.setAttributes(upper.inodeOf('f'), { size: 1 });
  upper.layer.setAttribute(upper.inodeOf('f'), 'user.a', Buffer.from('1'), 0);
  t.deepEqual([upper.stat('f').size, upper.stat('f').mode], [1, 0o100000]);
});

test.serial('files of a folder that takes no names can be changed', async (t) => {
  const upper = await asNobody(t);
  mode(upper, one, 0o555);
  upper.write(`${one}/x.py`, 'X');
  mode(upper, `${one}/y.py`, 0o600);
  t.is(upper.read(`${one}/x.py`), 'X');
  t.is(upper.stat(`${one}/y.py`).mode, 0o100600);
  t.is(upper.stat(one).mode, 0o040555);
});

test.serial('a folder that takes no names can be moved, with what it has of the lower tree', async (t) => {
  const upper = await asNobody(t);
  mode(upper, one, 0o555);
  upper.rename(one, 'moved');
  t.is(upper.stat('moved').mode, 0o040555);
  t.is(lstatSync(join(upper.tree, 'moved')).mode, 0o040555);
  t.is(upper.read('moved/sub/z.py'), 'z');
});

test.serial('a tree with folders that cannot be entered is opened again', async (t) => {
  const upper = await asNobody(t);
  upper.mkdir('d');
  upper.mkdir('d/e');
  upper.create('d/e/f', 'f');
  mode(upper, 'd/e', 0o000);
  mode(upper, 'd', 0o000);
  await upper.reopen();
  t.is(upper.stat('d').mode, 0o040000);
  t.is(upper.read('d/e/f'), 'f');
  t.is(lstatSync(join(upper.tree, 'd')).mode, 0o040000);
  for (const path of ['d', 'd/e']) mode(upper, path, 0o700);
});

test.serial('a folder that can be read and not entered is listed', async (t) => {
  const upper = await asNobody(t);
  upper.mkdir('d');
  upper.create('d/f', 'f');
  mode(upper, 'd', 0o444);
  t.deepEqual(upper.names('d'), ['f']);
  t.is(upper.stat('d').mode, 0o040444);
  mode(upper, 'd', 0o700);
});

test.serial('a mode that is set stays, whatever had to be opened for it', async (t) => {
  const upper = await asNobody(t);
  upper.mkdir('d');
  upper.create('d/f', 'f');
  mode(upper, 'd', 0o000);
  mode(upper, 'd/f', 0o440);
  t.is(upper.stat('d/f').mode, 0o100440);
  mode(upper, 'd', 0o700);
});
