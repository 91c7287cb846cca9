import { cp, mkdir, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findPlaces } from '../../../src/base/paths.js';
import { run } from '../../../src/base/run.js';
import { readStoreUse } from '../../../src/env/store-use.js';
import { whoUses } from '../../../src/env/who-uses.js';
import { openWorkspace, type Workspace } from '../../../src/env/workspace.js';
import type { Manifest } from '../../../src/manifest/types.js';
import { readHomeId } from '../../../src/store/homes.js';
import { registerRoots } from '../../../src/store/roots.js';
import { readHomes } from '../../../src/store/usage.js';
import { sandboxOf } from '../../support/mounts.js';
import { fails, writePackages } from '../../support/packages.js';
import { Sandbox } from '../../support/sandbox.js';

interface Homes {
  sandbox: Sandbox;
  own: Workspace;
  other: Workspace;
  source: string[];
}

const plain = ['--without-pip', '--no-bytecode'];

/** What pip made once of alpha 1.0 and beta 1.0, to be taken apart by the tests. */
interface Template {
  sandbox: Sandbox;
  manifest: Manifest;
}

let template: Promise<Template> | undefined;
test.after.always(async () => (await template)?.sandbox.destroy());

async function makeTemplate(): Promise<Template> {
  const sandbox = await Sandbox.make();
  const { source } = await writePackages(sandbox);
  await sandbox.expect('create', 'web', 'alpha<2', 'beta<2', ...plain, ...source);
  const { environments } = openWorkspace(findPlaces(sandbox.variables));
  return { sandbox, manifest: await environments.read('web') };
}

/** Two homes with one store: `web` (alpha, beta) and `job` (beta) here, `far` (beta) in the other. */
async function homesOf(t: ExecutionContext): Promise<Homes> {
  template ??= makeTemplate();
  const { sandbox: made, manifest } = await template;
  const sandbox = await sandboxOf(t);
  sandbox.variables.SHENV_STORE = sandbox.path('store');
  const { source } = await writePackages(sandbox);
  for (const part of ['images', 'serials'])
    await cp(made.path('home', 'store', 'v1', part), sandbox.path('store', 'v1', part), { recursive: true });
  await cp(made.path('home', 'interpreters'), sandbox.path('home', 'interpreters'), { recursive: true });
  const own = openWorkspace(findPlaces(sandbox.variables));
  const other = openWorkspace(findPlaces({ ...sandbox.variables, SHENV_HOME: sandbox.path('other') }));
  const onlyBeta = {
    layers: manifest.layers.filter(({ image }) => image.name === 'beta'),
    requested: ['beta<2'],
  };
  for (const [{ environments }, name, change] of [
    [own, 'web', {}],
    [own, 'job', onlyBeta],
    [other, 'far', onlyBeta],
  ] as const)
    await environments.create({ ...manifest, ...change, name, serial: await environments.claimSerial() });
  return { sandbox, own, other, source };
}

async function inOther(sandbox: Sandbox, ...args: string[]): Promise<string> {
  const { SHENV_HOME } = sandbox.variables;
  sandbox.variables.SHENV_HOME = sandbox.path('other');
  try {
    return await sandbox.expect(...args);
  } finally {
    sandbox.variables.SHENV_HOME = SHENV_HOME;
  }
}

async function json<T>(sandbox: Sandbox, ...args: string[]): Promise<T> {
  return JSON.parse(await sandbox.expect(...args, '--json')) as T;
}

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

interface Figures {
  totals: Record<'images' | 'exclusive' | 'shared' | 'unused' | 'store' | 'bytecode', number>;
  environments: { environment: string; shows: number; own: number; shared: number; frees: number }[];
  freesTogether?: number;
  unused: { name: string }[];
}

test.serial('store du agrees with du and stat, and its parts make up the whole', async (t) => {
  const { sandbox, own } = await homesOf(t);
  await sandbox.expect('store', 'add', sandbox.path('wheels', 'delta-1.0-py3-none-any.whl'));
  const figures = await json<Figures>(sandbox, 'store', 'du');
  const { totals, environments } = figures;
  const { stdout } = await run('du', ['-s', '-B1', join(own.store.layout.root, 'v1')]);
  t.is(totals.store, Number(stdout.split('\t')[0]));
  const files = await run('find', [own.store.layout.images, '-name', '*.img', '-printf', '%b\\n']);
  const blocks = files.stdout.trim().split('\n').map(Number);
  t.is(totals.images, 512 * blocks.reduce((sum, count) => sum + count, 0));
  t.is(totals.exclusive + totals.shared + totals.unused, totals.images);
  t.deepEqual(
    figures.unused.map(({ name }) => name),
    ['delta'],
  );
  t.true(totals.unused > 0 && totals.shared > 0 && totals.exclusive > 0);
  t.is(
    environments.reduce((sum, { frees }) => sum + frees, 0),
    totals.exclusive,
  );
  const [job, web] = environments;
  t.deepEqual([job!.environment, job!.own, job!.shared], ['job', 0, totals.shared]);
  t.deepEqual([web!.environment, web!.own, web!.shared], ['web', totals.exclusive, totals.shared]);
});

test.serial('what store du says an environment shows is what its wheels hold', async (t) => {
  const { sandbox, own } = await homesOf(t);
  const { environments } = await json<Figures>(sandbox, 'store', 'du', 'web');
  let bytes = 0;
  for (const [name, version] of [
    ['alpha', '1.0'],
    ['beta', '1.0'],
  ] as const) {
    for await (const { path } of own.store.listOf(name)) {
      if (!path.includes(`/${version}/`)) continue;
      const dump = await sandbox.expect('store', 'dump', path);
      for (const [, size] of dump.matchAll(/^\d+ 100\d+ (\d+) /gm)) bytes += Number(size);
    }
  }
  t.is(environments[0]!.shows, bytes);
});

test.serial('several environments of store du tell what is free without all of them', async (t) => {
  const { sandbox } = await homesOf(t);
  const { totals } = await json<Figures>(sandbox, 'store', 'du');
  const both = await json<Figures>(sandbox, 'store', 'du', 'web', 'job');
  t.is(both.freesTogether, totals.exclusive);
  await inOther(sandbox, 'delete', 'far');
  const alone = await json<Figures>(sandbox, 'store', 'du', 'web', 'job');
  t.is(alone.freesTogether, totals.exclusive + totals.shared);
  t.regex(await sandbox.expect('store', 'du', 'web', 'job'), /^Without these 2, .* can be freed\.$/m);
  await fails(t, sandbox, { code: 'ENVIRONMENT_MISSING', says: /ghost/ }, 'store', 'du', 'ghost');
  t.regex(await sandbox.expect('store', 'du', '--by', 'distribution'), /^alpha +1\.0 /m);
});

test.serial('an empty store has an answer for everything', async (t) => {
  const sandbox = await sandboxOf(t);
  t.regex(await sandbox.expect('store', 'du'), /^0 environments show 0 B; 0 images/m);
  t.is(await sandbox.expect('store', 'roots'), 'The store knows no home.\n');
  t.is(await sandbox.expect('store', 'list', '--used-by'), 'No images.\n');
  t.is(await sandbox.expect('who-uses', 'x'), 'No environment has x.\n');
});

test.serial('bytecode is told apart, and belongs to what an environment shows and frees', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await sandbox.expect('create', 'fast', 'beta<2', '--without-pip', ...source);
  const { totals, environments } = await json<Figures>(sandbox, 'store', 'du');
  const base = await json<Figures>(await plainTwin(t), 'store', 'du');
  t.is(base.totals.bytecode, 0);
  t.is(totals.images - totals.bytecode, base.totals.images);
  t.is(environments[0]!.frees, totals.images);
  t.true(environments[0]!.shows > base.environments[0]!.shows);
});

async function plainTwin(t: ExecutionContext): Promise<Sandbox> {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await sandbox.expect('create', 'slow', 'beta<2', ...plain, ...source);
  return sandbox;
}

test.serial('store report writes one page with every environment and image of the store', async (t) => {
  const { sandbox } = await homesOf(t);
  await sandbox.expect('store', 'add', sandbox.path('wheels', 'delta-1.0-py3-none-any.whl'));
  const report = await json<Figures & { path: string }>(sandbox, 'store', 'report', '--html', 'page.html');
  t.is(report.path, sandbox.path('page.html'));
  const page = await readFile(report.path, 'utf8');
  for (const text of ['job', 'web', `far (${sandbox.path('other')})`, 'alpha 1.0', 'beta 1.0', 'delta 1.0'])
    t.true(page.includes(`>${text}<`), text);
  t.regex(page, /<title>beta 1\.0\n[^<]*\n3 environments: job, web, far/);
  t.regex(page, /<title>delta 1\.0\n[^<]*\nunused/);
  const figures = await json<Figures>(sandbox, 'store', 'du');
  t.deepEqual(report.environments, figures.environments);
  await fails(t, sandbox, { code: 'USAGE', says: /--html/ }, 'store', 'report');
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
