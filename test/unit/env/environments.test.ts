import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { sha256 } from '../../../src/base/digest.js';
import { Environments } from '../../../src/env/environments.js';
import type { Manifest } from '../../../src/manifest/types.js';
import { refused } from '../../support/refusal.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

async function homeOf(t: ExecutionContext): Promise<{ home: string; environments: Environments }> {
  const home = await temporaryFolder(t);
  return { home, environments: new Environments(home) };
}

function manifestOf(name: string, generation = 1, serial = 1): Manifest {
  return {
    version: 2,
    name,
    serial,
    generation,
    change: { atMs: 1, what: 'create' },
    createdMs: 1_700_000_000_000,
    interpreter: sha256(Buffer.from('python')),
    layers: [],
    parents: [],
    options: { systemSitePackages: false, bytecode: true, held: [] },
    nextSlot: 1,
    requested: [],
  };
}

test('an environment that was created is listed and read, one that was deleted is not', async (t) => {
  const { home, environments } = await homeOf(t);
  t.deepEqual(await environments.list(), []);
  await environments.create(manifestOf('b'));
  await environments.create(manifestOf('a'));
  t.deepEqual(await environments.list(), ['a', 'b']);
  t.deepEqual(await environments.read('a'), manifestOf('a'));
  await environments.delete('a');
  t.deepEqual(await environments.list(), ['b']);
  t.deepEqual(await readdir(join(home, 'tmp')), []);
});

test('a name that is taken is refused, and its environment stays', async (t) => {
  const { environments } = await homeOf(t);
  await environments.create(manifestOf('demo'));
  await refused(t, 'ENVIRONMENT_EXISTS', ["'demo'"], () => environments.create(manifestOf('demo', 1, 2)));
  await refused(t, 'ENVIRONMENT_EXISTS', ["'demo'"], () => environments.assertFree('demo'));
  t.is((await environments.read('demo')).serial, 1);
});

test('of several that create one name at once exactly one wins', async (t) => {
  const { home, environments } = await homeOf(t);
  const tries = Array.from({ length: 8 }, (_, at) => environments.create(manifestOf('demo', 1, at + 1)));
  const ended = await Promise.allSettled(tries);
  t.is(ended.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const item of ended)
    if (item.status === 'rejected') t.is((item.reason as { code: string }).code, 'ENVIRONMENT_EXISTS');
  t.deepEqual(await readdir(join(home, 'tmp')), []);
});

test('what is not there is missing', async (t) => {
  const { environments } = await homeOf(t);
  for (const operation of [
    () => environments.generations('ghost'),
    () => environments.read('ghost'),
    () => environments.delete('ghost'),
  ])
    await refused(t, 'ENVIRONMENT_MISSING', ["'ghost'"], operation);
});

test('a generation that is asked for and not there is missing', async (t) => {
  const { environments } = await homeOf(t);
  await environments.create(manifestOf('demo'));
  await refused(t, 'ENVIRONMENT_MISSING', ['demo'], () => environments.read('demo', 7));
});

test('the newest generation is the current one, older ones can be read', async (t) => {
  const { environments } = await homeOf(t);
  await environments.create(manifestOf('demo'));
  await environments.commit(manifestOf('demo', 2));
  await environments.commit(manifestOf('demo', 10));
  t.deepEqual(await environments.generations('demo'), [1, 2, 10]);
  t.is((await environments.read('demo')).generation, 10);
  t.is((await environments.read('demo', 2)).generation, 2);
});

test('of two that publish one generation the second is told that the environment changed', async (t) => {
  const { home, environments } = await homeOf(t);
  await environments.create(manifestOf('demo'));
  await environments.commit({ ...manifestOf('demo', 2), requested: ['first'] });
  await refused(t, 'ENVIRONMENT_CHANGED', ["'demo'"], () => environments.commit(manifestOf('demo', 2)));
  t.deepEqual((await environments.read('demo')).requested, ['first']);
  t.deepEqual(await readdir(join(home, 'tmp')), []);
});

test('a name that may not be is refused by every operation', async (t) => {
  const { environments } = await homeOf(t);
  for (const operation of [
    () => environments.create(manifestOf('../x')),
    () => environments.read('../x'),
    () => environments.delete('../x'),
    () => environments.assertFree('../x'),
    () => environments.generations('../x'),
  ])
    await refused(t, 'ENVIRONMENT_NAME', [], operation);
});

test('an empty folder is no environment: its name is free and not listed', async (t) => {
  const { home, environments } = await homeOf(t);
  await mkdir(join(home, 'environments', 'empty'), { recursive: true });
  t.deepEqual(await environments.list(), []);
  await t.notThrowsAsync(environments.assertFree('empty'));
  await t.notThrowsAsync(environments.create(manifestOf('empty')));
  t.deepEqual(await environments.list(), ['empty']);
});

test('a stray file beside the environments disturbs nothing', async (t) => {
  const { home, environments } = await homeOf(t);
  await environments.create(manifestOf('demo'));
  await writeFile(join(home, 'environments', '.DS_Store'), '');
  t.deepEqual(await environments.list(), ['demo']);
});

test('a damaged manifest is named', async (t) => {
  const { home, environments } = await homeOf(t);
  await environments.create(manifestOf('demo'));
  await writeFile(join(home, 'environments', 'demo', '00000001.manifest'), 'damaged');
  await refused(t, 'MANIFEST_DAMAGED', ['00000001.manifest'], () => environments.read('demo'));
});

test('environment serials are different for all that ask at once', async (t) => {
  const { environments } = await homeOf(t);
  const serials = await Promise.all(Array.from({ length: 30 }, () => environments.claimSerial()));
  t.is(new Set(serials).size, 30);
  t.true(Math.min(...serials) >= 1);
});

test('a generation that cannot be sealed is published only where it may be unsealed', async (t) => {
  const home = await temporaryFolder(t);
  const environments = new Environments(home, undefined, () => Promise.reject(new Error('damaged')));
  await environments.create(manifestOf('demo'));
  await environments.sealed.write(manifestOf('demo'), Buffer.from('sealed'));
  const next = manifestOf('demo', 2);
  await t.throwsAsync(environments.commit(next), { message: 'damaged' });
  t.is((await environments.read('demo')).generation, 1);
  await environments.commit(next, { mayBeUnsealed: true });
  t.is((await environments.read('demo')).generation, 2);
});
