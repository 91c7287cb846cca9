import {
  chmod,
  chown,
  copyFile,
  lstat,
  mkdir,
  readdir,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import test from 'ava';
import { sha256OfFile } from '../../src/base/digest.js';
import { forgeImage } from '../support/forged-image.js';
import { add, create, list, modeOf, sharedStore, shown } from '../support/shared-stores.js';
import { sharedGroup, type User } from '../support/users.js';
import { writeWheel } from '../support/wheel-builder.js';

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
