import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { sandboxOf } from '../support/mounts.js';
import { change, createDemo, fails, writePackages } from '../support/packages.js';
import type { Sandbox } from '../support/sandbox.js';
import { compareTrees, readTree } from '../support/tree.js';

interface History {
  generation: number;
  what: string;
}

async function held(sandbox: Sandbox, name: string): Promise<string[]> {
  return (await sandbox.expect('freeze', name)).trim().split('\n').filter(Boolean);
}

/** Distributions as the mounted environment's own Python lists them. */
async function listed(sandbox: Sandbox, root: string): Promise<string[]> {
  const script =
    'import importlib.metadata as m; print(*sorted(f"{d.name}=={d.version}" for d in m.distributions()))';
  const { stdout, stderr } = await sandbox.run(join(root, 'bin/python'), ['-I', '-c', script]);
  if (stderr) throw new Error(stderr);
  return stdout.trim().split(' ');
}

test.serial('history tells what made each generation; diff compares any two', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await createDemo(sandbox, 'alpha<2', ...source);
  await sandbox.expect('install', 'demo', 'alpha==2.0', 'delta', ...source);
  await sandbox.expect('remove', 'demo', 'delta');
  const history = JSON.parse(await sandbox.expect('history', 'demo', '--json')) as History[];
  t.deepEqual(
    history.map(({ generation, what }) => [generation, what]),
    [
      [3, 'remove delta'],
      [2, 'install alpha==2.0 delta'],
      [1, 'create'],
    ],
  );
  t.regex(await sandbox.expect('diff', 'demo'), /^demo@2 -> demo\n.* - delta 1\.0$/ms);
  const both = await sandbox.expect('diff', 'demo@1', 'demo@2');
  t.regex(both, /^ ~ alpha 1\.0 -> 2\.0$/m);
  t.regex(both, /^ \+ delta 1\.0$/m);
  t.regex(await sandbox.expect('freeze', 'demo@1'), /^alpha==1\.0$/m);
  await fails(
    t,
    sandbox,
    { code: 'ENVIRONMENT_MISSING', says: /no (environment|generation)|has no generation/ },
    'diff',
    'demo@9',
  );
});

test.serial('rollback shows the earlier generation again, bit for bit, in the mount too', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await createDemo(sandbox, 'alpha<2', ...source);
  const root = join(await sandbox.mount('auto'), 'demo');
  const before = await readTree(root);
  await sandbox.expect('install', 'demo', 'alpha==2.0', 'delta', ...source);
  t.not(compareTrees(before, await readTree(root)).length, 0);
  t.regex(await sandbox.expect('rollback', 'demo'), /generation 3, which shows what generation 1 showed/);
  t.deepEqual(compareTrees(before, await readTree(root)), []);
  t.regex(await sandbox.expect('rollback', 'demo', '--to', '2'), /generation 4/);
  t.deepEqual(await listed(sandbox, root), ['alpha==2.0', 'beta==2.0', 'delta==1.0']);
  await fails(t, sandbox, { code: 'USAGE', says: /--to takes/ }, 'rollback', 'demo', '--to', 'x');
  await fails(
    t,
    sandbox,
    { code: 'ENVIRONMENT_MISSING', says: /no (environment|generation)|has no generation/ },
    'rollback',
    'demo',
    '--to',
    '77',
  );
});

test.serial('an old generation is mounted beside the present one', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await createDemo(sandbox, 'alpha<2', ...source);
  await sandbox.expect('install', 'demo', 'alpha==2.0', ...source);
  const now = join(await sandbox.mount('auto'), 'demo');
  const then = await sandbox.mount('auto', 'then', '--env', 'demo@1');
  t.deepEqual(await listed(sandbox, then), ['alpha==1.0', 'beta==2.0']);
  t.deepEqual(await listed(sandbox, now), ['alpha==2.0', 'beta==2.0']);
  await sandbox.expect('install', 'demo', 'delta', ...source);
  t.deepEqual(await listed(sandbox, then), ['alpha==1.0', 'beta==2.0'], 'it stays');
});

test.serial(
  'a clone goes its own way; a renamed environment brings its history and its scripts follow',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const { source } = await writePackages(sandbox);
    await createDemo(sandbox, 'alpha<2', ...source);
    await sandbox.expect('install', 'demo', 'delta', ...source);
    const mountpoint = await sandbox.mount('auto');
    const activate = (name: string) => readFile(join(mountpoint, name, 'bin/activate'), 'utf8');
    t.true((await activate('demo')).includes(join(mountpoint, 'demo')));
    await sandbox.expect('clone', 'demo', 'copy');
    await sandbox.expect('clone', 'demo@1', 'then');
    await sandbox.expect('remove', 'copy', 'delta');
    t.deepEqual(await listed(sandbox, join(mountpoint, 'demo')), ['alpha==1.0', 'beta==2.0', 'delta==1.0']);
    t.deepEqual(await listed(sandbox, join(mountpoint, 'copy')), ['alpha==1.0', 'beta==2.0']);
    t.deepEqual(await held(sandbox, 'then'), ['alpha==1.0', 'beta==2.0']);
    await sandbox.expect('rename', 'demo', 'shop');
    t.true((await activate('shop')).includes(join(mountpoint, 'shop')));
    t.deepEqual(await listed(sandbox, join(mountpoint, 'shop')), ['alpha==1.0', 'beta==2.0', 'delta==1.0']);
    const history = JSON.parse(await sandbox.expect('history', 'shop', '--json')) as History[];
    t.is(history.length, 2);
    await fails(
      t,
      sandbox,
      { code: 'ENVIRONMENT_MISSING', says: /no (environment|generation)|has no generation/ },
      'show',
      'demo',
    );
    await fails(t, sandbox, { code: 'ENVIRONMENT_EXISTS', says: /already/ }, 'rename', 'shop', 'copy');
    await fails(t, sandbox, { code: 'ENVIRONMENT_EXISTS', says: /already/ }, 'clone', 'shop', 'copy');
  },
);

test.serial(
  'children show what their parent shows, follow it, and may have their own version or none',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const { source } = await writePackages(sandbox);
    await createDemo(sandbox, 'alpha<2', 'delta', ...source);
    const create = (name: string, ...more: string[]) =>
      sandbox.expect('create', name, '--without-pip', '--no-bytecode', ...more, ...source);
    await create('plain', '--inherit', 'demo');
    await create('fixed', '--inherit', 'demo@1');
    await create('own', '--inherit', 'demo', 'alpha==1.0');
    await create('grandchild', '--inherit', 'plain', 'gamma');
    await sandbox.expect('remove', 'plain', 'delta');
    const mountpoint = await sandbox.mount('auto');
    const seen = (name: string) => listed(sandbox, join(mountpoint, name));
    t.deepEqual(await seen('grandchild'), ['alpha==1.0', 'beta==1.0', 'gamma==1.0'], 'it needs an old beta');
    const upgraded = await change(sandbox, 'install', 'demo', 'alpha==2.0', ...source);
    t.is(upgraded.generation, 2);
    t.deepEqual(await seen('plain'), ['alpha==2.0', 'beta==2.0']);
    t.deepEqual(await seen('fixed'), ['alpha==1.0', 'beta==2.0', 'delta==1.0']);
    t.deepEqual(await seen('own'), ['alpha==1.0', 'beta==2.0', 'delta==1.0'], 'its own version stays');
    t.deepEqual(await seen('grandchild'), ['alpha==2.0', 'beta==1.0', 'gamma==1.0']);
    t.regex(await sandbox.expect('show', 'plain'), /alpha +2\.0 +from demo/);
    await sandbox.expect('rollback', 'demo');
    t.deepEqual(await seen('plain'), ['alpha==1.0', 'beta==2.0']);
    await sandbox.expect('rename', 'demo', 'base');
    await sandbox.expect('remove', 'base', 'beta');
    t.deepEqual(await seen('plain'), ['alpha==1.0']);
    await fails(
      t,
      sandbox,
      { code: 'ENVIRONMENT_IN_USE', says: /inherited by 'fixed', 'own', 'plain'/ },
      'delete',
      'base',
    );
    await sandbox.expect('delete', 'base', '--detach');
    t.deepEqual(await seen('plain'), ['alpha==1.0']);
  },
);

test.serial('a maintenance update of a parent reaches its children, and is taken back as one', async (t) => {
  const sandbox = await sandboxOf(t);
  const { source } = await writePackages(sandbox);
  await createDemo(sandbox, 'alpha', 'beta<2', ...source);
  await sandbox.expect('install', 'demo', 'beta', '--no-deps', ...source);
  const create = (name: string, ...more: string[]) =>
    sandbox.expect('create', name, '--without-pip', '--no-bytecode', ...more, ...source);
  await create('child', '--inherit', 'demo');
  await create('other', 'beta==1.0', 'alpha');
  await create('held', 'beta<3', 'alpha');
  await sandbox.expect('rollback', 'demo');
  await sandbox.expect('install', 'demo', 'beta', ...source);
  const mountpoint = await sandbox.mount('auto');
  const seen = (name: string) => listed(sandbox, join(mountpoint, name));
  t.deepEqual(await seen('child'), ['alpha==2.0', 'beta==1.0']);
  const { status, stdout } = await sandbox.shenv('upgrade', 'beta', '--everywhere', ...source);
  t.is(status, 1, 'one asked for beta==1.0');
  t.regex(stdout, /other/);
  t.deepEqual(await seen('child'), ['alpha==2.0', 'beta==1.0'], 'all or nothing');
  await sandbox.expect('upgrade', 'beta', '--everywhere', '--within', '2.*', '--skip-blocked', ...source);
  t.deepEqual(await seen('demo'), ['alpha==2.0', 'beta==2.0']);
  t.deepEqual(await seen('child'), ['alpha==2.0', 'beta==2.0']);
  const [change] = JSON.parse(await sandbox.expect('history', '--json')) as { id: string }[];
  await sandbox.expect('rollback', '--change', change!.id);
  t.deepEqual(await seen('demo'), ['alpha==2.0', 'beta==1.0']);
  t.deepEqual(await seen('child'), ['alpha==2.0', 'beta==1.0']);
});
