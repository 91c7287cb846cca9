import { chmod, chown, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { skip } from '../support/interpreters.js';
import { engines } from '../support/mounts.js';
import { add, create, list, modeOf, python, sharedStore } from '../support/shared-stores.js';

for (const umask of ['000', '077']) {
  test.serial(
    `what the owner adds with umask ${umask} everybody can read and nobody else change`,
    async (t) => {
      const all = await sharedStore(t);
      if (!all) return;
      const path = await add(all.admin.with({ umask }), join(all.wheels, 'beta-2.0-py3-none-any.whl'));
      t.is(await modeOf(path), 0o644);
      for (const folder of [dirname(path), dirname(dirname(path))]) t.is(await modeOf(folder), 0o3755);
      t.is(await modeOf(all.images), 0o3775);
      t.deepEqual(
        (await list(all.bob)).map(({ path }) => path),
        [path],
      );
    },
  );

  test.serial(`a home that is made with umask ${umask} is its owner's alone to change`, async (t) => {
    const all = await sharedStore(t);
    if (!all) return;
    const { ann, bob } = all;
    await create(ann.with({ umask, store: join(ann.home, 'store') }), all.wheels);
    for (const folder of [ann.home, join(ann.home, 'data'), join(ann.home, 'store')]) {
      const { stdout } = await all.sandbox.run('find', [folder, '!', '-type', 'l', '-perm', '/022']);
      t.is(stdout, '');
      t.not((await bob.run('touch', join(folder, 'x'))).status, 0);
    }
  });
}

test.serial('a store that is not shared cannot be written by others, who are told', async (t) => {
  const all = await sharedStore(t, false);
  if (!all) return;
  const { admin, ann, wheels } = all;
  await chmod(all.sandbox.path('shared'), 0o777);
  const wheel = join(wheels, 'beta-2.0-py3-none-any.whl');
  const early = await ann.shenv('store', 'add', wheel);
  t.regex(early.stderr, /STORE_UNUSABLE/);
  t.deepEqual(await readdir(all.sandbox.path('shared')), []);
  await chmod(all.sandbox.path('shared'), 0o755);
  await add(admin, wheel);
  t.is(await modeOf(all.images), 0o755);
  t.regex(
    (await ann.shenv('store', 'add', join(wheels, 'alpha-1.0-py3-none-any.whl'))).stderr,
    /STORE_UNUSABLE/,
  );
  t.is((await list(ann)).length, 1);
  t.regex((await ann.shenv('store', 'share')).stderr, /STORE_UNUSABLE/);
});

test.serial('what root does in the store of another user becomes that user’s', async (t) => {
  const all = await sharedStore(t, false);
  if (!all) return;
  const { sandbox, admin, wheels } = all;
  const umask = process.umask(0o077);
  t.teardown(() => process.umask(umask));
  sandbox.variables.SHENV_STORE = sandbox.path('shared');
  await sandbox.expect('store', 'add', join(wheels, 'beta-2.0-py3-none-any.whl'));
  process.umask(umask);
  const { stdout } = await sandbox.run('find', [
    sandbox.path('shared', 'v1'),
    '-uid',
    '0',
    '!',
    '-path',
    '*/serials/*',
  ]);
  t.is(stdout, '');
  t.is((await list(admin)).length, 1);
  await add(admin, join(wheels, 'alpha-1.0-py3-none-any.whl'));
  t.is((await list(admin)).length, 2);
});

test.serial('sharing opens a store that was private, and nothing in it that leads elsewhere', async (t) => {
  const all = await sharedStore(t, false);
  if (!all) return;
  const { admin, ann, wheels, sandbox } = all;
  await chmod(sandbox.path('shared'), 0o700);
  const path = await add(admin.with({ umask: '077' }), join(wheels, 'beta-2.0-py3-none-any.whl'));
  t.not((await ann.shenv('store', 'list')).status, 0);
  const secret = join(admin.home, 'secret');
  await admin.run('sh', '-c', `umask 077; echo x > '${secret}'; ln '${secret}' '${dirname(path)}/s.img'`);
  t.regex(await admin.expect('store', 'share'), /Everybody may put images/);
  t.is(await modeOf(all.images), 0o3777);
  t.is(await modeOf(sandbox.path('shared')), 0o2755);
  t.is(await modeOf(secret), 0o600);
  await rm(join(dirname(path), 's.img'));
  t.deepEqual(
    (await list(ann)).map(({ path }) => path),
    [path],
  );
  t.regex(await add(ann, join(wheels, 'alpha-1.0-py3-none-any.whl')), new RegExp(`/alpha~${ann.uid}/1.0/`));
});

for (const engine of engines) {
  test.serial(`${engine}: users create from a store that they cannot write, and mount`, async (t) => {
    const all = await sharedStore(t, false);
    if (!all) return;
    const { admin, wheels, sandbox } = all;
    for (const name of ['alpha-1.0', 'beta-2.0']) await add(admin, join(wheels, `${name}-py3-none-any.whl`));
    const before = await readdir(sandbox.path('shared'), { recursive: true });
    const ann = all.ann.with({ store: `${join(all.ann.home, 'store')}:${sandbox.path('shared')}` });
    const source = ['--python', python, '--without-pip', '--no-index', '--find-links', wheels];
    await ann.expect('create', 'demo', 'alpha', ...source);
    t.deepEqual([...new Set((await list(ann)).map(({ store }) => store))], [sandbox.path('shared')]);
    const compiled = await readdir(join(ann.home, 'store', 'v1', 'images'), { recursive: true });
    t.true(
      compiled.some((file) => /^alpha\/1\.0\/.*\.cpython-.*\.img$/.test(file)),
      compiled.join(),
    );
    t.deepEqual(await readdir(sandbox.path('shared'), { recursive: true }), before);
    if ((await ann.run('test', '-w', '/dev/fuse')).status !== 0)
      return skip(t, 'only root may open /dev/fuse here; creating was tested');
    const mountpoint = join(ann.home, 'mnt');
    t.teardown(() => ann.shenv('unmount', mountpoint, '--lazy'));
    const mounted = await ann.shenv('mount', mountpoint, '--engine', engine);
    if (mounted.stderr.includes('[ENGINE_UNAVAILABLE]'))
      return skip(t, `the engine ${engine} is not part of this build`);
    t.is(mounted.status, 0, mounted.stderr);
    const imported = await ann.run(join(mountpoint, 'demo', 'bin', 'alpha'), 'x');
    t.is(imported.stdout, 'alpha runs x\n', imported.stderr);
    const unread = (await ann.run('find', join(mountpoint, 'demo', 'lib'), '-name', 'two.py')).stdout.trim();
    const image = (await list(ann)).find(({ name }) => name === 'beta')!.path;
    await chown(image, all.bob.uid, all.bob.uid);
    const foreign = await ann.run('cat', unread);
    t.regex(foreign.stderr, /Input\/output error/, `an image that became another user's: ${foreign.stdout}`);
    await chown(image, admin.uid, admin.uid);
    t.is((await ann.run('cat', unread)).stdout, 'TWO = 2\n');
    t.is((await ann.shenv('unmount', mountpoint)).status, 0);
  });
}
