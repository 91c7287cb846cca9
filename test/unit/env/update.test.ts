import { writeFile } from 'node:fs/promises';
import test from 'ava';
import { sha256OfFile } from '../../../src/base/digest.js';
import { errorCodes } from '../../../src/base/errors.js';
import { sandboxOf } from '../../support/mounts.js';
import { change, createDemo, fails, frozen, writePackages } from '../../support/packages.js';

const titles = (items: { name: string; version: string }[]) =>
  items.map(({ name, version }) => `${name} ${version}`).sort();

test.serial('install adds what is asked for and what it needs, and says so', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await createDemo(sandbox);
  const told = await sandbox.expect('install', 'demo', 'alpha', 'delta', ...source);
  t.regex(told, /^ \+ alpha 2\.0$/m);
  t.regex(told, /^ \+ beta 2\.0$/m);
  t.regex(told, /'demo' is at generation 2: 3 changes, 3 new in the store/);
  const again = await sandbox.expect('install', 'demo', 'alpha', ...source);
  t.regex(again, /^Nothing to change; 'demo' is at generation 2$/m);
  const older = await change(sandbox, 'install', 'demo', 'beta<2', ...source);
  t.is(older.generation, 3);
  t.deepEqual([older.added, older.removed, older.broken], [[], [], []]);
  t.deepEqual([older.replaced[0]!.from.version, older.replaced[0]!.to.version], ['2.0', '1.0']);
  t.deepEqual(await frozen(sandbox), ['alpha==2.0', 'beta==1.0', 'delta==1.0']);
});

test.serial('what a change breaks is reported, check finds it and ends with status 1', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await createDemo(sandbox, 'gamma', ...source);
  t.regex(await sandbox.expect('check', 'demo'), /^demo: no broken requirements$/m);
  const told = await sandbox.expect('install', 'demo', 'beta>=2', ...source);
  const problem = 'gamma 1.0 has requirement beta<2, but you have beta 2.0.';
  t.true(told.includes(`broken by this: ${problem}`), told);
  const checked = await sandbox.shenv('check');
  t.is(checked.status, 1);
  t.is(checked.stdout, `demo: ${problem}\n`);
  const asJson = await sandbox.shenv('check', 'demo', '--json');
  const [{ problems }] = JSON.parse(asJson.stdout) as [{ problems: { name: string }[] }];
  t.is(problems[0]!.name, 'gamma');
  const other = await change(sandbox, 'install', 'demo', 'delta', ...source);
  t.deepEqual(other.broken, [], 'what was broken before is not told again');
});

test.serial('upgrade with names takes these, without names all as their requirements allow', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await createDemo(sandbox, 'alpha<2', 'beta==1.0', ...source);
  const none = await change(sandbox, 'upgrade', 'demo', ...source);
  t.deepEqual([none.generation, none.replaced], [1, []]);
  await change(sandbox, 'install', 'demo', 'alpha', 'beta', ...source);
  const named = await change(sandbox, 'upgrade', 'demo', 'Beta', ...source);
  t.deepEqual(titles(named.replaced.map(({ to }) => to)), ['beta 2.0']);
  const all = await change(sandbox, 'upgrade', 'demo', ...source);
  t.deepEqual(titles(all.replaced.map(({ to }) => to)), ['alpha 2.0']);
  await fails(t, sandbox, { code: 'DISTRIBUTION_MISSING', says: /ghost/ }, 'upgrade', 'demo', 'ghost');
});

test.serial('a dependency that is upgraded by name stays a dependency', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source, folder } = await writePackages(sandbox);
  await createDemo(sandbox, 'alpha', `${folder}/beta-1.0-py3-none-any.whl`, ...source);
  await sandbox.expect('remove', 'demo', 'beta');
  await sandbox.expect('install', 'demo', 'alpha', '-c', await constraint(sandbox.path('c.txt')), ...source);
  const { replaced } = await change(sandbox, 'upgrade', 'demo', 'beta', ...source);
  t.deepEqual(titles(replaced.map(({ to }) => to)), ['beta 2.0']);
  const { removed } = await change(sandbox, 'remove', 'demo', 'alpha', '--prune');
  t.deepEqual(titles(removed), ['alpha 2.0', 'beta 2.0']);
});

async function constraint(path: string): Promise<string> {
  await writeFile(path, 'beta<2\n');
  return path;
}

test.serial('upgrade of an environment in which nothing was asked for changes nothing', async (t) => {
  const sandbox = await sandboxOf(t);
  await sandbox.expect('create', 'demo', '--no-bytecode');
  t.is((await change(sandbox, 'upgrade', 'demo', '--no-index')).generation, 1);
});

test.serial('remove takes out what is named, with --prune also what nothing needs any more', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await createDemo(sandbox, 'alpha<2', 'gamma[fast]', ...source);
  const missing = { code: 'DISTRIBUTION_MISSING', says: /'demo' does not have ghost/ } as const;
  await fails(t, sandbox, missing, 'remove', 'demo', 'alpha', 'ghost');
  t.is((await frozen(sandbox)).length, 4);
  const first = await change(sandbox, 'remove', 'demo', 'Alpha', '--prune');
  t.deepEqual(titles(first.removed), ['alpha 1.0'], 'delta is needed by gamma[fast]');
  const second = await change(sandbox, 'remove', 'demo', 'gamma');
  t.deepEqual(titles(second.removed), ['gamma 1.0']);
  t.deepEqual(await frozen(sandbox), ['beta==1.0', 'delta==1.0']);
  const third = await change(sandbox, 'remove', 'demo', 'beta', '--prune');
  t.deepEqual(titles(third.removed), ['beta 1.0', 'delta 1.0']);
});

test.serial('sync makes an environment hold what a file says, and keeps pip', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await sandbox.expect('create', 'demo', '--no-bytecode', 'alpha', 'delta', ...source);
  await writeFile(sandbox.path('r.txt'), '# exactly\nalpha==1.0\n-r more.txt\n');
  await writeFile(sandbox.path('more.txt'), 'beta==1.0\nghost; python_version < "3"\n');
  const synced = await change(sandbox, 'sync', 'demo', 'r.txt', ...source);
  t.deepEqual(titles(synced.removed), ['delta 1.0']);
  t.deepEqual(titles(synced.replaced.map(({ to }) => to)), ['alpha 1.0', 'beta 1.0']);
  const all = JSON.parse(await sandbox.expect('freeze', 'demo', '--all', '--json')) as string[];
  t.regex(all.join(' '), /^alpha==1\.0 beta==1\.0 pip==\S+$/);
  const offline = { ...sandbox.variables, PATH: '/nowhere', PIP_INDEX_URL: 'http://127.0.0.1:9' };
  Object.assign(sandbox.variables, offline);
  await change(sandbox, 'sync', 'demo', 'r.txt');
  const { generation } = await change(sandbox, 'sync', 'demo', 'r.txt');
  t.is((await change(sandbox, 'sync', 'demo', 'r.txt')).generation, generation, 'nothing is different');
});

test.serial('sync from a lock removes what the lock does not have, and again changes nothing', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await createDemo(sandbox, 'alpha==1.0', ...source);
  await sandbox.expect('lock', 'demo', '-o', sandbox.path('pylock.toml'), ...source);
  await sandbox.expect('install', 'demo', 'alpha>=2', 'delta', ...source);
  const synced = await change(sandbox, 'sync', 'demo', 'pylock.toml');
  t.deepEqual(titles(synced.removed), ['delta 1.0']);
  t.deepEqual(await frozen(sandbox), ['alpha==1.0', 'beta==2.0']);
  const again = await change(sandbox, 'sync', 'demo', 'pylock.toml');
  t.is(again.generation, synced.generation);
  const two = { code: 'USAGE', says: /cannot be combined/ } as const;
  await writeFile(sandbox.path('r.txt'), 'delta\n');
  await fails(t, sandbox, two, 'sync', 'demo', 'pylock.toml', 'r.txt');
  await fails(t, sandbox, { code: 'USAGE', says: /nothing to sync/ }, 'sync', 'demo');
  await fails(
    t,
    sandbox,
    { code: 'REQUIREMENTS_MISSING', says: /pylock\.x\.toml/ },
    'sync',
    'demo',
    'pylock.x.toml',
  );
});

test.serial(
  'a hash that no wheel has is refused, by the resolver and where the store has the wheel',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const { source, folder } = await writePackages(sandbox);
    const digest = await sha256OfFile(`${folder}/delta-1.0-py3-none-any.whl`);
    await writeFile(sandbox.path('wrong.txt'), `delta==1.0 --hash=sha256:${'0'.repeat(64)}\n`);
    await writeFile(sandbox.path('right.txt'), `delta==1.0 \\\n    --hash=sha256:${digest}\n`);
    await writeFile(sandbox.path('half.txt'), `delta==1.0 --hash=sha256:${digest}\nbeta==1.0\n`);
    await createDemo(sandbox);
    const refusal = { code: 'RESOLVER_FAILED', says: /(?:hash|HASH)/ } as const;
    await fails(t, sandbox, refusal, 'sync', 'demo', 'wrong.txt', ...source);
    t.deepEqual(titles((await change(sandbox, 'sync', 'demo', 'right.txt', ...source)).added), ['delta 1.0']);
    await fails(t, sandbox, refusal, 'sync', 'demo', 'wrong.txt', ...source);
    await sandbox.expect('install', 'demo', 'beta<2', ...source);
    await fails(t, sandbox, refusal, 'sync', 'demo', 'half.txt', ...source);
  },
);

test.serial('constraints, extras and markers count', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await createDemo(sandbox);
  await writeFile(sandbox.path('c.txt'), 'beta<2\n');
  const markers = ['delta; python_version < "3"', 'gamma[fast]; python_version > "3"'];
  const made = await change(sandbox, 'install', 'demo', 'alpha', ...markers, '-c', 'c.txt', ...source);
  t.deepEqual(titles(made.added), ['alpha 2.0', 'beta 1.0', 'delta 1.0', 'gamma 1.0']);
  const text = await sandbox.expect('tree', 'demo');
  t.is(text, 'alpha 2.0\n└── beta 1.0 [*]\ngamma 1.0\n├── beta 1.0 [<2]\n└── delta 1.0 [*]\n');
  const inverse = await sandbox.expect('tree', 'demo', 'beta', '--inverse');
  t.is(inverse, 'beta 1.0\n├── alpha 2.0 [*]\n└── gamma 1.0 [<2]\n');
  await fails(t, sandbox, { code: 'DISTRIBUTION_MISSING', says: /ghost/ }, 'tree', 'demo', 'ghost');
  const [outdated] = JSON.parse(await sandbox.expect('outdated', 'demo', ...source, '--json')) as object[];
  t.deepEqual(outdated, { name: 'beta', version: '1.0', latest: '2.0' });
  const nodes = JSON.parse(await sandbox.expect('tree', 'demo', '--json')) as { name: string }[];
  t.deepEqual(
    nodes.map(({ name }) => name),
    ['alpha', 'gamma'],
  );
});

test.serial('of two installs at once none loses what the other did', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await createDemo(sandbox);
  const wanted = ['alpha', 'delta'];
  const ended = await Promise.all(wanted.map((name) => sandbox.shenv('install', 'demo', name, ...source)));
  const won = wanted.filter((_, index) => ended[index]!.status === 0);
  t.true(won.length > 0);
  for (const { status, stderr } of ended)
    if (status !== 0) {
      t.is(status, errorCodes.ENVIRONMENT_CHANGED, stderr);
      t.regex(stderr, /\[ENVIRONMENT_CHANGED\]/);
    }
  const held = (await frozen(sandbox)).join(' ');
  for (const name of won) t.regex(held, new RegExp(`${name}==`));
  for (const name of wanted) await sandbox.expect('install', 'demo', name, ...source);
  t.deepEqual(await frozen(sandbox), ['alpha==2.0', 'beta==2.0', 'delta==1.0']);
});
