import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { publishExclusively, replaceFile, stageFile } from '../../../src/base/atomic-write.js';
import { toDigest, toSerial } from '../../../src/base/brands.js';
import { ShenvError, systemErrorCode, unless } from '../../../src/base/errors.js';
import { findPlaces } from '../../../src/base/paths.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('a staged file whose writing fails is gone', async (t) => {
  const folder = await temporaryFolder(t);
  const failing = stageFile(folder, () => Promise.reject(new Error('no')));
  await t.throwsAsync(failing, { message: 'no' });
  t.deepEqual(await readdir(folder), []);
});

test('of two that publish under one name the first wins, and no staged file stays', async (t) => {
  const folder = await temporaryFolder(t);
  const target = join(folder, 'target');
  const [one, two] = [
    await stageFile(folder, (file) => file.writeFile('one')),
    await stageFile(folder, (file) => file.writeFile('two')),
  ];
  t.true(await publishExclusively(one!, target));
  t.false(await publishExclusively(two!, target));
  t.is(await readFile(target, 'utf8'), 'one');
  t.deepEqual(await readdir(folder), ['target']);
});

test('replacing keeps no other file and sets the mode', async (t) => {
  const target = join(await temporaryFolder(t), 'target');
  await writeFile(target, 'old');
  await replaceFile(target, Buffer.from('new'), 0o600);
  t.is(await readFile(target, 'utf8'), 'new');
  t.is((await stat(target)).mode & 0o777, 0o600);
});

test('digests and serials outside their ranges are no such values', (t) => {
  for (const text of ['', 'A'.repeat(64), 'a'.repeat(63), 'g'.repeat(64)]) t.throws(() => toDigest(text));
  for (const value of [0, -1, 1.5, 2 ** 31, Number.NaN]) t.throws(() => toSerial(value));
  t.is(toSerial(2 ** 31 - 1) as number, 2 ** 31 - 1);
});

test('only the error that is meant is left out', async (t) => {
  t.is(await unless('ENOENT', Promise.reject(Object.assign(new Error('x'), { code: 'ENOENT' }))), undefined);
  const other = Object.assign(new Error('x'), { code: 'EIO' });
  await t.throwsAsync(unless('ENOENT', Promise.reject(other)), { is: other });
  t.is(systemErrorCode('ENOENT'), undefined);
});

test('a user error has the exit status of its code', (t) => {
  t.is(new ShenvError('WHEEL_NAME', 'x').exitStatus, 10);
});

test('places follow the XDG folders, and the variables move them', (t) => {
  const places = findPlaces({ HOME: '/h', XDG_DATA_HOME: '/d', XDG_RUNTIME_DIR: '/r' });
  t.deepEqual(places, {
    home: '/d/shenv-fs',
    store: '/d/shenv-fs/store',
    upstreams: [],
    runtime: '/r/shenv-fs',
    mountpoint: '/h/.venvs',
  });
  const moved = findPlaces({
    HOME: '/h',
    XDG_DATA_HOME: '',
    SHENV_HOME: '/a',
    SHENV_STORE: '/b',
    SHENV_RUNTIME: '/c',
  });
  t.deepEqual([moved.home, moved.store, moved.runtime], ['/a', '/b', '/c']);
  t.is(findPlaces({ HOME: '/h' }).home, '/h/.local/share/shenv-fs');
});

test('what fails in an open file names the file, and nothing staged stays', async (t) => {
  const folder = await temporaryFolder(t);
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const staging = stageFile(folder, () => Promise.reject(full));
  await t.throwsAsync(staging, { message: new RegExp(`^ENOSPC.* '${folder}/.*\\.tmp'$`) });
  t.deepEqual(await readdir(folder), []);
});

test('a file that cannot be put in its place leaves nothing staged', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'target'));
  await t.throwsAsync(replaceFile(join(folder, 'target'), Buffer.from('x')), { code: 'EISDIR' });
  t.deepEqual(await readdir(folder), ['target']);
});
