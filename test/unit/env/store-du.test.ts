import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { run } from '../../../src/base/run.js';
import { sandboxOf } from '../../support/mounts.js';
import { fails, writePackages } from '../../support/packages.js';
import type { Sandbox } from '../../support/sandbox.js';
import { inOther, json, plain, storeHomes } from '../../support/store-homes.js';

const homesOf = storeHomes();

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
