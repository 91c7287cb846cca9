import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CodeCache } from '../../../src/cli/code-cache.js';
import { projectRoot, Sandbox } from '../../support/sandbox.js';

const source = Buffer.from('a program');
const data = Buffer.from('what was compiled of it');

async function newFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shenv-fs-code-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return join(folder, 'code');
}

async function onlyFile(folder: string): Promise<string> {
  const names = await readdir(folder);
  if (names.length !== 1) throw new Error(`there are ${names.join(', ')}`);
  return join(folder, names[0]!);
}

test('what is written is read again, for the same program and command alone', async (t) => {
  const folder = await newFolder(t);
  t.is(new CodeCache(folder, source, 'create').read(), undefined);
  new CodeCache(folder, source, 'create').write(data);
  t.deepEqual(new CodeCache(folder, source, 'create').read(), data);
  t.is(new CodeCache(folder, source, 'clone').read(), undefined);
  t.is(new CodeCache(folder, Buffer.from('b program'), 'create').read(), undefined);
  t.is((await stat(folder)).mode & 0o777, 0o700);
  t.is((await stat(await onlyFile(folder))).mode & 0o777, 0o600);
});

test('damaged and cut data are not given to V8', async (t) => {
  const folder = await newFolder(t);
  const cache = new CodeCache(folder, source, 'create');
  cache.write(data);
  const path = await onlyFile(folder);
  const whole = await readFile(path);
  for (const bytes of [0, 10, whole.length - 1]) {
    await writeFile(path, whole.subarray(0, bytes));
    t.is(cache.read(), undefined);
  }
  whole[whole.length - 3]! ^= 1;
  await writeFile(path, whole);
  t.is(cache.read(), undefined);
});

test('a folder or file that others may write, and a link, count as none', async (t) => {
  const folder = await newFolder(t);
  const cache = new CodeCache(folder, source, 'create');
  cache.write(data);
  const path = await onlyFile(folder);
  await chmod(path, 0o620);
  t.is(cache.read(), undefined);
  await chmod(path, 0o600);
  await chmod(folder, 0o777);
  t.is(cache.read(), undefined);
  await rm(path);
  cache.write(data);
  t.deepEqual(await readdir(folder), []);
  await chmod(folder, 0o700);
  cache.write(data);
  t.deepEqual(cache.read(), data);
  await rename(path, join(folder, '..', 'elsewhere'));
  await symlink(join(folder, '..', 'elsewhere'), path);
  t.is(cache.read(), undefined);
});

test('a cache that cannot be written is no failure', async (t) => {
  const folder = await newFolder(t);
  await writeFile(folder, 'not a folder');
  new CodeCache(folder, source, 'create').write(data);
  t.is(new CodeCache(folder, source, 'create').read(), undefined);
});

test('of many files the newest stay', async (t) => {
  const folder = await newFolder(t);
  for (let index = 0; index < 60; index += 1) new CodeCache(folder, source, `part${index}`).write(data);
  const names = await readdir(folder);
  t.is(names.length, 48);
  t.deepEqual(new CodeCache(folder, source, 'part59').read(), data);
});

test('a command that ended well is started from its cache; a damaged one changes nothing', async (t) => {
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy());
  sandbox.variables.XDG_CACHE_HOME = sandbox.path('cache');
  const folder = sandbox.path('cache', 'shenv-fs', 'code');
  t.is((await sandbox.shenv('nonsense')).status, 2);
  t.is((await sandbox.shenv('show', 'nothing')).status, 33);
  await t.throwsAsync(readdir(folder), { code: 'ENOENT' });
  const said = await sandbox.expect('list');
  const path = await onlyFile(folder);
  const { mtimeMs } = await stat(path);
  t.is(await sandbox.expect('list'), said);
  t.is((await stat(path)).mtimeMs, mtimeMs);
  const damaged = await readFile(path);
  damaged.fill(0x5a, 2000, 3000);
  await writeFile(path, damaged);
  t.is(await sandbox.expect('list'), said);
  t.not((await stat(path)).mtimeMs, mtimeMs);
});

test('a place for the cache that is no folder changes nothing', async (t) => {
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy());
  sandbox.variables.XDG_CACHE_HOME = sandbox.path('cache');
  await mkdir(sandbox.path('cache'));
  await writeFile(sandbox.path('cache', 'shenv-fs'), '');
  t.is((await sandbox.shenv('list')).status, 0);
});

test('the version is the one of the package, from the program and from what starts it', async (t) => {
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy());
  const { version } = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  for (const args of [['--version'], ['-V'], ['--version', 'list']])
    t.is(await sandbox.expect(...args), `${version}\n`);
});
