import {
  chmod,
  chown,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { sha256OfFile } from '../../src/base/digest.js';
import { forgeImage } from '../support/forged-image.js';
import { skip } from '../support/interpreters.js';
import { engines, sandboxOf } from '../support/mounts.js';
import { writeSampleWheels } from '../support/sample-wheels.js';
import type { Sandbox } from '../support/sandbox.js';
import { sharedGroup, type User, usersOf } from '../support/users.js';
import { writeWheel } from '../support/wheel-builder.js';

const python = '/usr/bin/python3';

interface Listed {
  name: string;
  path: string;
  store: string;
}

interface Shared {
  sandbox: Sandbox;
  admin: User;
  ann: User;
  bob: User;
  wheels: string;
  /** `images` of the shared store. */
  images: string;
}

/** A store that `admin` shares with a group that `ann` and `bob` are in. */
async function sharedStore(t: ExecutionContext, share = true): Promise<Shared | undefined> {
  const sandbox = await sandboxOf(t);
  const users = await usersOf(t, sandbox);
  if (!users) return undefined;
  const wheels = await writeSampleWheels(sandbox);
  if (share) await users.admin.expect('store', 'share', '--group', String(sharedGroup));
  return { sandbox, wheels, images: sandbox.path('shared', 'v1', 'images'), ...users };
}

const list = async (user: User): Promise<Listed[]> =>
  JSON.parse(await user.expect('store', 'list', '--json'));
const add = async (user: User, wheel: string): Promise<string> => {
  const [added] = JSON.parse(await user.expect('store', 'add', '--json', wheel)) as { path: string }[];
  return added!.path;
};
const modeOf = async (path: string) => (await stat(path)).mode & 0o7777;

/** What an environment shows as `alpha/__init__.py`, as a tree on disk. */
async function shown(user: User, name: string): Promise<string> {
  const target = join(user.home, `tree of ${name}`);
  await user.expect('export', name, target);
  const lib = join(target, 'lib');
  const [minor = ''] = (await readdir(lib)).filter((folder) => folder.startsWith('python'));
  return readFile(join(lib, minor, 'site-packages', 'alpha', '__init__.py'), 'utf8');
}

const create = (user: User, wheels: string, name = 'demo') =>
  user.expect(
    ...['create', name, 'alpha', '--python', python, '--without-pip', '--no-bytecode'],
    ...['--no-index', '--find-links', wheels],
  );

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

test.serial('a false image under the name of a wheel is never shown to another user', async (t) => {
  const all = await sharedStore(t);
  if (!all) return;
  const { ann, bob, wheels, images } = all;
  const wheel = join(wheels, 'alpha-1.0-py3-none-any.whl');
  const digest = await sha256OfFile(wheel);
  const files = { 'alpha/__init__.py': 'EVIL = 1\n' };
  const evil = await add(
    bob,
    await writeWheel(all.sandbox.path('evil'), { name: 'alpha', version: '1.0', files }),
  );
  const forged = all.sandbox.path('forged.img');
  await writeFile(forged, await forgeImage(evil, digest));
  const own = join(images, `alpha~${ann.uid}`, '1.0');
  const name = `py3-none-any-${digest.slice(0, 16)}.img`;
  const places = [join(images, 'alpha', '1.0'), join(images, `alpha~${bob.uid}`, '1.0')];
  for (const place of places) {
    await bob.run('mkdir', '-p', place);
    const { status, stderr } = await bob.run('cp', forged, join(place, name));
    t.is(status, 0, stderr);
  }
  t.deepEqual(
    (await list(bob)).map(({ path }) => path),
    [...places.map((place) => join(place, name)), evil].sort(),
  );
  t.deepEqual(await list(ann), []);
  await create(ann, wheels);
  t.regex(await shown(ann, 'demo'), /alpha runs/);
  t.deepEqual(await readdir(own), [name]);
});

test.serial('nobody replaces, renames or removes the image of another user', async (t) => {
  const all = await sharedStore(t);
  if (!all) return;
  const { ann, bob, wheels } = all;
  await create(ann, wheels);
  const path = (await list(ann)).find(({ name }) => name === 'alpha')!.path;
  const folder = dirname(dirname(path));
  const refused = [
    ['rm', '-f', path],
    ['mv', path, `${path}.old`],
    ['sh', '-c', `echo x > '${path}'`],
    ['ln', '-sf', '/etc/hostname', path],
    ['cp', '/etc/hostname', join(dirname(path), 'new')],
    ['mv', folder, `${folder}.old`],
    ['chmod', '666', path],
    ['rm', '-rf', all.sandbox.path('shared', 'v1', 'roots'), all.sandbox.path('shared', 'v1', 'leases')],
  ];
  for (const command of refused) t.not((await bob.run(...command)).status, 0, command.join(' '));
  t.regex(await shown(ann, 'demo'), /alpha runs/);
  t.not((await readdir(all.sandbox.path('shared', 'v1', 'roots'))).length, 0);
});

const plant: [string, (path: string, bob: User) => Promise<unknown>][] = [
  ['link', (path) => symlink('/etc/hostname', path)],
  ['FIFO', (path, bob) => bob.run('mkfifo', path)],
  ['folder', (path, bob) => bob.run('mkdir', path)],
  ['file that only he may read', (path, bob) => bob.run('sh', '-c', `umask 077; echo > '${path}'`)],
];

for (const [what, make] of plant) {
  test.serial(`a ${what} under an image's name is neither followed nor waited for`, async (t) => {
    const all = await sharedStore(t);
    if (!all) return;
    const { admin, ann, bob, wheels, images } = all;
    const wheel = join(wheels, 'alpha-1.0-py3-none-any.whl');
    const name = `py3-none-any-${(await sha256OfFile(wheel)).slice(0, 16)}.img`;
    // A folder that was opened to the group by hand.
    for (const folder of ['alpha', 'alpha/1.0']) {
      await mkdir(join(images, folder));
      await chown(join(images, folder), admin.uid, sharedGroup);
      await chmod(join(images, folder), 0o3775);
    }
    await make(join(images, 'alpha', '1.0', name), bob);
    t.is((await readdir(join(images, 'alpha', '1.0'))).length, 1);
    t.deepEqual(await list(ann), []);
    const path = await add(admin, wheel);
    t.is(path, join(images, 'alpha', '1.0', name.replace(/-(?=[0-9a-f]{16}\.)/, `-u${admin.uid}-`)));
    t.is(await add(ann, wheel), path);
    await create(ann, wheels);
    t.regex(await shown(ann, 'demo'), /alpha runs/);
  });
}

test.serial(
  'gc, verify and du of anybody leave alone what others have put into a shared store',
  async (t) => {
    const all = await sharedStore(t);
    if (!all) return;
    const { admin, ann, bob, sandbox, wheels, images } = all;
    const shared = sandbox.path('shared', 'v1');
    const own = await add(ann, join(wheels, 'alpha-1.0-py3-none-any.whl'));
    const common = await add(admin, join(wheels, 'beta-2.0-py3-none-any.whl'));
    const victim = sandbox.path('victim', '1.0', basename(own));
    await mkdir(dirname(victim), { recursive: true });
    await copyFile(own, victim);
    const bobs = join(images, `alpha~${bob.uid}`);
    await bob.run('mkdir', '-p', join(bobs, '1.0'));
    for (const path of [join(bobs, '1.0', basename(own)), join(shared, 'leases', 'operation-1-a.lease')])
      await bob.run('mkfifo', path);
    for (const path of [
      join(bobs, '2.0'),
      join(shared, 'condemned', 'collection-1-a'),
      join(shared, 'tmp', 'staged'),
      join(images, 'gamma'),
    ])
      await bob.run('ln', '-s', sandbox.path('victim'), path);
    await bob.run(
      'sh',
      '-c',
      `mkdir '${shared}/condemned/collection-1-b'; cp '${own}' '${shared}/condemned/collection-1-b'`,
    );
    sandbox.variables.SHENV_STORE = sandbox.path('shared');
    const asRoot = async (...args: string[]) => JSON.parse(await sandbox.expect('store', ...args, '--json'));
    const verified = JSON.parse(await admin.expect('store', 'verify', 'alpha', '--json'));
    t.is(verified.count, 1);
    t.deepEqual(verified.unbelieved, [{ path: own, uid: ann.uid }]);
    t.deepEqual(verified.strange.sort(), [join(bobs, '1.0', basename(own)), join(bobs, '2.0')]);
    const { distributions } = await asRoot('du');
    t.deepEqual(distributions.map(({ name }: { name: string }) => name).sort(), ['alpha', 'beta']);
    t.deepEqual((await asRoot('gc', '--older-than', '0', '--dry-run')).removed.length, 1);
    t.deepEqual(
      JSON.parse(await ann.expect('store', 'gc', '--older-than', '0', '--dry-run', '--json')).removed.length,
      1,
    );
    t.is((await asRoot('gc', '--older-than', '0')).removed.length, 1);
    for (const path of [own, victim, join(bobs, '1.0'), join(shared, 'condemned', 'collection-1-b')])
      t.truthy(await lstat(path), path);
    t.is(await lstat(common).catch(({ code }) => code), 'ENOENT');
    const gone = JSON.parse(await ann.expect('store', 'gc', '--older-than', '0', '--json'));
    t.deepEqual(
      gone.removed.map(({ image }: { image: string }) => image),
      [relative(images, own)],
    );
    t.is(await modeOf(join(shared, 'condemned')), 0o3775);
    await create(bob, wheels);
    await bob.run('mkfifo', join(bob.home, 'data', 'environments', 'demo', '00000002.manifest'));
    t.regex((await sandbox.shenv('store', 'gc')).stderr, /demo@2 is damaged.*ROOTS_INCOMPLETE/s);
  },
);

test.serial(
  'what is damaged is repaired by its owner, and nothing by what somebody else says of it',
  async (t) => {
    const all = await sharedStore(t);
    if (!all) return;
    const { admin, ann, bob, wheels, images } = all;
    await create(ann, wheels);
    const own = (await list(ann)).find(({ name }) => name === 'alpha')!.path;
    const aside = join(all.sandbox.path('shared', 'v1', 'damaged'), 'alpha', '1.0');
    await bob.run('sh', '-c', `mkdir -p '${aside}'; cp '${own}' '${aside}/${basename(own)}.1'`);
    t.deepEqual(JSON.parse(await admin.expect('store', 'repair', '--dry-run', '--json')).images, []);
    await truncate(own, 100);
    const verified = await admin.shenv('store', 'verify');
    t.is(verified.status, 20);
    t.true(verified.stdout.includes(`${relative(images, own)} (of user ${ann.uid}, who is not believed)`));
    const repair = async (user: User) =>
      JSON.parse(
        (await user.shenv('store', 'repair', '--find-links', wheels, '--no-index', '--json')).stdout,
      );
    t.is((await repair(admin)).images[0].how, `user ${ann.uid}, whose it is, can repair it`);
    const [{ outcome, asideAt }] = (await repair(ann)).images;
    t.is(outcome, 'rebuilt');
    t.is(await modeOf(dirname(dirname(asideAt))), 0o3755);
    t.regex(await shown(ann, 'demo'), /alpha runs/);
  },
);

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
