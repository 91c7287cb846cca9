import { mkdir, rename } from 'node:fs/promises';
import test from 'ava';
import { openWorkspace } from '../../../src/env/workspace.js';
import { readHomes } from '../../../src/store/usage.js';
import { fails } from '../../support/packages.js';
import { json, storeHomes } from '../../support/store-homes.js';

const homesOf = storeHomes();

test.serial(
  'store forget refuses a home in use, takes one that is gone or has nothing, and says what that leads to',
  async (t) => {
    const { sandbox, own } = await homesOf(t);
    const other = sandbox.path('other');
    await fails(t, sandbox, { code: 'HOME_UNKNOWN', says: /no home/ }, 'store', 'forget', '/no/home');
    await fails(
      t,
      sandbox,
      { code: 'HOME_IN_USE', says: /1 of its environments \(far\)/ },
      'store',
      'forget',
      other,
    );
    t.is((await readHomes(own.store.layout)).length, 2);
    await sandbox.expect('delete', 'web', 'job');
    await rename(other, sandbox.path('away'));
    t.regex(
      await sandbox.expect('store', 'forget', other),
      /^Forgot .*other with 1 environment in 1 generation\.\n.* that only it referred to are unused now/,
    );
    t.is((await readHomes(own.store.layout)).length, 1);
    await sandbox.expect('store', 'forget', own.places.home);
    t.deepEqual(await readHomes(own.store.layout), []);
  },
);

test.serial('a home in use is forgotten only with --force', async (t) => {
  const { sandbox, own } = await homesOf(t);
  const forced = await json<{ environments: number }>(
    sandbox,
    ...['store', 'forget', own.places.home, '--force'],
  );
  t.is(forced.environments, 2);
  t.is((await readHomes(own.store.layout)).length, 1);
});

test.serial('where several homes were at one path, forget wants the id', async (t) => {
  const { sandbox, own, other } = await homesOf(t);
  const [home] = (await readHomes(own.store.layout)).filter(({ path }) => path === other.places.home);
  const manifest = await other.environments.read('far');
  await rename(sandbox.path('other'), sandbox.path('away'));
  await mkdir(sandbox.path('other'));
  await openWorkspace(other.places).environments.create({ ...manifest, name: 'new' });
  await fails(t, sandbox, { code: 'USAGE', says: /there now/ }, 'store', 'forget', sandbox.path('other'));
  t.regex(await sandbox.expect('store', 'forget', home!.id), /^Forgot /);
});
