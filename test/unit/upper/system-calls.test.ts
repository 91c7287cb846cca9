import { closeSync, lstatSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { loadSystemCalls, scanNumbers } from '../../../src/upper/system-calls.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const calls = loadSystemCalls();

test('times are exact to a nanosecond, before 1970 too, and those of a link are its own', async (t) => {
  const folder = await temporaryFolder(t);
  const [file, link] = [join(folder, 'f'), join(folder, 'l')];
  writeFileSync(file, '');
  symlinkSync('f', link);
  for (const time of [1_700_000_000_123_456_789n, 0n, -1n, -1_000_000_001n]) {
    calls.setTimes(link, 5n, time);
    t.is(lstatSync(link, { bigint: true }).mtimeNs, time);
    calls.setTimes(link, 'omit', 7n);
    t.is(lstatSync(link, { bigint: true }).mtimeNs, 7n);
  }
  const before = lstatSync(file, { bigint: true });
  calls.setTimes(file, 5n, 'omit');
  t.deepEqual(
    [lstatSync(file, { bigint: true }).atimeNs, lstatSync(file, { bigint: true }).mtimeNs],
    [5n, before.mtimeNs],
  );
  calls.setTimes(file, 'omit', 'now');
  t.true(lstatSync(file, { bigint: true }).mtimeNs >= before.mtimeNs);
});

test('a folder is read with the types and numbers of what is in it', async (t) => {
  const folder = await temporaryFolder(t);
  writeFileSync(join(folder, 'f'), '');
  calls.setXattr(join(folder, 'f'), 'user.shenv.inode', Buffer.from('80000000000000ff'), 0);
  mkdirSync(join(folder, 'd'));
  symlinkSync('f', join(folder, 'l'));
  const { names, numbers } = calls.scanFolder(folder);
  t.deepEqual([...names].sort(), ['d', 'f', 'l']);
  for (const [index, name] of names.entries()) {
    const { mode, ino, nlink } = lstatSync(join(folder, name), { bigint: true });
    const [first, end] = [index * scanNumbers.each, (index + 1) * scanNumbers.each];
    const carried = name === 'f' ? 0x80000000000000ffn : 0n;
    t.deepEqual([...numbers.subarray(first, end)], [mode, ino, nlink, carried], name);
  }
});

test('a range of a file is copied, and one that is not there is not', async (t) => {
  const folder = await temporaryFolder(t);
  const content = Buffer.from(Array.from({ length: 1_000_003 }, (_, index) => index % 251));
  writeFileSync(join(folder, 'from'), content);
  const [from, to] = [openSync(join(folder, 'from'), 'r'), openSync(join(folder, 'to'), 'w')];
  for (const fd of [from, to]) t.teardown(() => closeSync(fd));
  calls.copyRange(from, 3, 1_000_000, to);
  t.true(readFileSync(join(folder, 'to')).equals(content.subarray(3)));
  t.throws(() => calls.copyRange(from, 4, 1_000_000, to), { code: 'EIO' });
});

test('a lock is held by one open file', async (t) => {
  const path = join(await temporaryFolder(t), 'lock');
  const [one, other] = [openSync(path, 'w'), openSync(path, 'w')];
  t.true(calls.lockFile(one));
  t.true(calls.lockFile(one));
  t.false(calls.lockFile(other));
  closeSync(one);
  t.true(calls.lockFile(other));
  closeSync(other);
});

test('errors have the code of their errno, and attributes of links are not those of their targets', async (t) => {
  const folder = await temporaryFolder(t);
  const [file, link, none] = ['f', 'l', 'none'].map((name) => join(folder, name)) as [string, string, string];
  writeFileSync(file, '');
  symlinkSync('f', link);
  t.throws(() => calls.renameAt(none, file, 0), { code: 'ENOENT' });
  t.throws(() => calls.renameAt(file, link, 1), { code: 'EEXIST' });
  t.throws(() => calls.setXattr(file, 'user.a', Buffer.from(''), 2), { code: 'ENODATA' });
  calls.setXattr(file, 'user.a', Buffer.from('value'), 1);
  t.throws(() => calls.setXattr(file, 'user.a', Buffer.from(''), 1), { code: 'EEXIST' });
  t.deepEqual(
    calls.listXattr(file).filter((name) => name.startsWith('user.')),
    ['user.a'],
  );
  t.deepEqual(
    calls.listXattr(link).filter((name) => name.startsWith('user.')),
    [],
  );
  t.is(calls.getXattr(file, 'user.a').toString(), 'value');
  calls.removeXattr(file, 'user.a');
  t.throws(() => calls.getXattr(file, 'user.a'), { code: 'ENODATA' });
  t.throws(() => calls.makeNode(file, 0o010644, 0), { code: 'EEXIST' });
  t.throws(() => calls.scanFolder(link), { code: 'ENOTDIR' });
  t.throws(() => calls.lockFile(999_999), { code: 'EBADF' });
});
