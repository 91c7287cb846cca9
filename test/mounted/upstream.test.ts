import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { engines, mountOrSkip, sandboxOf } from '../support/mounts.js';
import type { Sandbox } from '../support/sandbox.js';
import { writeWheel } from '../support/wheel-builder.js';

async function wheelOf(sandbox: Sandbox, name: string): Promise<string> {
  return writeWheel(sandbox.path('wheels'), { name, files: { [`${name}.py`]: `NAME = '${name}'\n` } });
}

async function read(sandbox: Sandbox, mountpoint: string, name: string) {
  const lib = join(mountpoint, name, 'lib');
  const { stdout } = await sandbox.run('find', [lib, '-name', `${name}.py`]);
  return sandbox.run('cat', [stdout.trim() || join(lib, 'nothing')]);
}

for (const engine of engines) {
  test.serial(
    `${engine}: two images with one number are not shown by one mount until one has another`,
    async (t) => {
      const sandbox = await sandboxOf(t);
      const [mine, theirs] = [sandbox.path('mine'), sandbox.path('theirs')];
      const add = async (store: string, name: string) => {
        sandbox.variables.SHENV_STORE = store;
        await sandbox.expect('store', 'add', await wheelOf(sandbox, name));
      };
      await add(theirs, 'first');
      await cp(theirs, mine, { recursive: true });
      await add(theirs, 'second');
      await add(mine, 'third');
      sandbox.variables.SHENV_STORE = `${mine}:${theirs}`;
      const source = ['--without-pip', '--no-bytecode', '--no-index', '--find-links', sandbox.path('wheels')];
      for (const name of ['second', 'third']) await sandbox.expect('create', name, name, ...source);
      const mountpoint = await mountOrSkip(t, sandbox, engine);
      if (!mountpoint) return;

      t.is((await read(sandbox, mountpoint, 'second')).stdout, "NAME = 'second'\n");
      t.not((await read(sandbox, mountpoint, 'third')).status, 0);
      const [status] = JSON.parse(await sandbox.expect('status', '--json'));
      t.regex(status.failures.third, /third.* has the number \d+, which this mount knows as .*second/);
      t.deepEqual(status.upstreams, [theirs]);
      const packages = join(mountpoint, '.shenv', 'packages');
      t.deepEqual((await sandbox.run('ls', [packages])).stdout, 'first\nsecond\n');

      t.regex(await sandbox.expect('store', 'renumber'), /third.*: \d+ is now \d+/);
      t.is((await read(sandbox, mountpoint, 'third')).stdout, "NAME = 'third'\n");
      t.is((await read(sandbox, mountpoint, 'second')).stdout, "NAME = 'second'\n");
      t.deepEqual((await sandbox.run('ls', [packages])).stdout, 'first\nsecond\nthird\n');
      const [after] = JSON.parse(await sandbox.expect('status', '--json'));
      t.deepEqual(after.failures, {});
      t.deepEqual(await readdir(join(theirs, 'v1', 'tmp')), []);
    },
  );

  test.serial(`${engine}: a missing upstream store is told of, and what is there is used`, async (t) => {
    const sandbox = await sandboxOf(t);
    sandbox.variables.SHENV_STORE = `${sandbox.path('mine')}:${sandbox.path('missing')}`;
    const source = ['--without-pip', '--no-bytecode', '--no-index', '--find-links', sandbox.path('wheels')];
    await wheelOf(sandbox, 'second');
    const { status, stderr } = await sandbox.shenv('create', 'second', 'second', ...source);
    t.is(status, 0, stderr);
    t.is(stderr.split('\n').filter((line) => line.includes(sandbox.path('missing'))).length, 1, stderr);
    const mountpoint = await mountOrSkip(t, sandbox, engine);
    if (!mountpoint) return;
    t.is((await read(sandbox, mountpoint, 'second')).stdout, "NAME = 'second'\n");
    t.false((await readdir(sandbox.folder)).includes('missing'));
  });
}
