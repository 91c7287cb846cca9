import { readdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readStoreUse } from '../../../src/env/store-use.js';
import { whoUses } from '../../../src/env/who-uses.js';
import { readHomeId } from '../../../src/store/homes.js';
import { registerRoots } from '../../../src/store/roots.js';
import { readHomes } from '../../../src/store/usage.js';
import { json, storeHomes } from '../../support/store-homes.js';

const homesOf = storeHomes();

interface ListedImage {
  name: string;
  version: string;
  isUsed: boolean;
  usedBy: { homePath: string; environment: string; generation: number; isCurrent: boolean }[];
}

test.serial('store list --used-by tells environments of every home and marks what nobody uses', async (t) => {
  const { sandbox, source } = await homesOf(t);
  await sandbox.expect('install', 'job', 'beta==2.0', ...source);
  await sandbox.expect('store', 'add', sandbox.path('wheels', 'delta-1.0-py3-none-any.whl'));
  const { images } = await json<{ images: ListedImage[] }>(sandbox, 'store', 'list', '--used-by');
  const uses = Object.fromEntries(
    images.map(({ name, version, usedBy }) => [
      `${name} ${version}`,
      usedBy.map((use) => [
        use.homePath.slice(sandbox.folder.length + 1),
        use.environment,
        use.generation,
        use.isCurrent,
      ]),
    ]),
  );
  const key = (parts: unknown) => JSON.stringify(parts);
  for (const list of Object.values(uses)) list.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  t.deepEqual(uses, {
    'alpha 1.0': [['home', 'web', 1, true]],
    'beta 1.0': [
      ['home', 'job', 1, false],
      ['home', 'web', 1, true],
      ['other', 'far', 1, true],
    ],
    'beta 2.0': [['home', 'job', 2, true]],
    'delta 1.0': [],
  });
  t.deepEqual(
    images.filter(({ isUsed }) => !isUsed).map(({ name }) => name),
    ['delta'],
  );
  const text = await sandbox.expect('store', 'list', 'Beta', '--used-by');
  t.regex(text, /^beta +1\.0 .*job @1; web; far \(.*other\)$/m);
  t.notRegex(text, /alpha/);
  t.regex(await sandbox.expect('store', 'list', '--used-by'), /^delta .* unused$/m);
});

test.serial('a deleted environment uses nothing', async (t) => {
  const { sandbox, own } = await homesOf(t);
  await sandbox.expect('delete', 'web');
  const { environments } = await readStoreUse(own);
  t.deepEqual(
    environments.map(({ name }) => name),
    ['job', 'far'],
  );
});

test.serial('who-uses tells environments of other homes too, unless --here', async (t) => {
  const { sandbox, own } = await homesOf(t);
  const { uses } = await whoUses(own, 'beta');
  t.deepEqual(
    uses.map(({ home, environment, why }) => [home, environment, why]),
    [
      [undefined, 'job', 'requested'],
      [undefined, 'web', 'requested'],
      [sandbox.path('other'), 'far', 'requested'],
    ],
  );
  t.deepEqual(
    (await whoUses(own, 'beta', { here: true })).uses.map(({ environment }) => environment),
    ['job', 'web'],
  );
  t.regex(await sandbox.expect('who-uses', 'beta'), /^far +1\.0 +requested +\S+other +beta<2$/m);
  t.notRegex(await sandbox.expect('who-uses', 'beta', '--here'), /HOME|far/);
});

test.serial('a home that is gone is still told of by its roots', async (t) => {
  const { sandbox, own } = await homesOf(t);
  await rename(sandbox.path('other'), sandbox.path('away'));
  const { uses } = await whoUses(own, 'beta');
  t.deepEqual(uses.at(-1)?.environment, 'far');
  t.regex(await sandbox.expect('store', 'roots'), /other +[0-9a-f]{16} .*not reachable +1 +1 +0 +0$/m);
});

test.serial(
  "a home's own manifests stand in for roots that are lost; what cannot be told is said",
  async (t) => {
    const { sandbox, own, other } = await homesOf(t);
    const [home] = (await readHomes(own.store.layout)).filter(({ path }) => path === other.places.home);
    const folder = join(own.store.layout.roots, home!.id);
    for (const file of await readdir(folder)) {
      await unlink(join(folder, file));
      await writeFile(join(folder, file), 'damaged');
    }
    const known = await readStoreUse(own);
    t.true(known.environments.some(({ name }) => name === 'far'));
    t.deepEqual(known.gaps, []);
    await rename(sandbox.path('other'), sandbox.path('away'));
    const { environments, gaps } = await readStoreUse(own);
    t.false(environments.some(({ name }) => name === 'far'));
    t.is(gaps.length, 1);
    t.regex(
      await sandbox.expect('store', 'list', '--used-by'),
      /^Not complete: damaged roots of .*other: 1;/m,
    );
    t.regex(await sandbox.expect('store', 'du'), /^Not complete: damaged roots/m);
    t.regex(await sandbox.expect('who-uses', 'beta'), /^Not complete: damaged roots/m);
  },
);

test.serial('a home that is older than its store counts with its manifests', async (t) => {
  const { own } = await homesOf(t);
  await rm(own.store.layout.roots, { recursive: true });
  await rm(own.store.layout.homes, { recursive: true });
  const { environments } = await readStoreUse(own);
  t.deepEqual(
    environments.map(({ name }) => name),
    ['job', 'web'],
  );
});

test.serial('what another user named cannot steer a terminal', async (t) => {
  const { sandbox, other } = await homesOf(t);
  const manifest = await other.environments.read('far');
  const { home } = other.places;
  const id = (await readHomeId(home))!;
  const name = 'evil\u001b[2J\u009b';
  await registerRoots(other.store.layout, id, [{ ...manifest, name, serial: 77 }]);
  for (const command of [
    ['store', 'du'],
    ['store', 'list', '--used-by'],
    ['who-uses', 'beta'],
  ]) {
    const text = await sandbox.expect(...command);
    t.true(text.includes('evil\ufffd[2J\ufffd'), text);
    t.notRegex(text, /[\u001b\u009b]/);
  }
});
