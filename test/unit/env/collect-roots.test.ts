import { access, mkdir, readdir, readFile, rename, rm, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { packFramed } from '../../../src/base/msgpack.js';
import { thisProcess } from '../../../src/base/process-identity.js';
import { rename as renameEnvironment } from '../../../src/env/generations.js';
import { encodeManifest } from '../../../src/manifest/codec.js';
import { identifyHome } from '../../../src/store/homes.js';
import { HeldLease, type Lease } from '../../../src/store/leases.js';
import { forgetHome, registerRoots } from '../../../src/store/roots.js';
import { refused } from '../../support/refusal.js';
import { StoredHome } from '../../support/stored-home.js';

/** Paths of every live root. */
async function rootFiles(home: StoredHome): Promise<string[]> {
  const files = await readdir(home.layout.roots, { recursive: true });
  return files.filter((file) => file.endsWith('.root')).map((file) => join(home.layout.roots, file));
}

async function ageRoots(home: StoredHome, seconds: number): Promise<void> {
  const then = Date.now() / 1000 - seconds;
  for (const path of await rootFiles(home)) await utimes(path, then, then);
}

async function damage(path: string): Promise<void> {
  const data = await readFile(path);
  data.writeUInt8(data.readUInt8(60) ^ 1, 60);
  // In a new file: hard links would share the damage.
  await unlink(path);
  await writeFile(path, data);
}

async function homeWithWeb(t: ExecutionContext): Promise<StoredHome> {
  const home = await StoredHome.make(t);
  await home.publish('web', await home.put('used'));
  await home.put('unused');
  return home;
}

async function assertOnlyUsedStays(t: ExecutionContext, home: StoredHome): Promise<void> {
  await home.gc();
  t.deepEqual(await home.images(), ['used 1.0']);
}

test('what a generation refers to stays, the rest goes', async (t) => {
  const home = await homeWithWeb(t);
  const { removed } = await home.gc();
  t.deepEqual(
    removed.map(({ place }) => place.split('/')[0]),
    ['unused'],
  );
  t.deepEqual(await home.images(), ['used 1.0']);
  await home.workspace.environments.delete('web');
  await home.gc();
  t.deepEqual(await home.images(), []);
  t.deepEqual(await readdir(home.layout.images), []);
  t.deepEqual(await readdir(home.layout.condemned), []);
  t.deepEqual(await readdir(home.layout.leases), []);
});

test('every generation counts, not the newest alone', async (t) => {
  const home = await StoredHome.make(t);
  const first = await home.publish('web', await home.put('used'));
  const next = home.manifest('web', first.serial, [await home.put('other')], 2);
  await home.workspace.environments.commit(next);
  await home.gc();
  t.deepEqual(await home.images(), ['other 1.0', 'used 1.0']);
  await home.gc({ keep: 1 });
  t.deepEqual(await home.images(), ['other 1.0']);
});

test('a root that has lost one of its names counts, and has two again', async (t) => {
  const home = await homeWithWeb(t);
  const [first, second] = await rootFiles(home);
  await unlink(first!);
  await assertOnlyUsedStays(t, home);
  t.deepEqual((await rootFiles(home)).sort(), [first!, second!].sort());
});

test('where both names are lost the home is asked, and registers anew', async (t) => {
  const home = await homeWithWeb(t);
  for (const path of await rootFiles(home)) await unlink(path);
  await assertOnlyUsedStays(t, home);
  t.is((await rootFiles(home)).length, 2);
});

test('where all roots of a home are lost the home is asked', async (t) => {
  const home = await homeWithWeb(t);
  await rm(home.layout.roots, { recursive: true });
  await assertOnlyUsedStays(t, home);
});

test('one damaged name of a root is no matter, even where the home cannot be reached', async (t) => {
  const home = await homeWithWeb(t);
  await damage((await rootFiles(home))[0]!);
  await rename(home.home, `${home.home}.away`);
  await assertOnlyUsedStays(t, home.beside('other'));
});

test('a damaged root is replaced by what its home says', async (t) => {
  const home = await homeWithWeb(t);
  for (const path of await rootFiles(home)) await damage(path);
  await assertOnlyUsedStays(t, home);
  const roots = await home.roots();
  t.deepEqual(
    roots?.live.map(({ manifest }) => manifest?.name),
    ['web'],
  );
});

test('while a root is damaged and its home cannot be reached nothing is removed', async (t) => {
  const home = await homeWithWeb(t);
  const id = await identifyHome(home.home);
  for (const path of await rootFiles(home)) await damage(path);
  await rename(home.home, `${home.home}.away`);
  const other = home.beside('other');
  const { hint } = await refused(t, 'ROOTS_INCOMPLETE', [home.home, 'damaged'], () => other.gc());
  t.true(hint?.includes(`store forget ${id}`), hint);
  t.deepEqual(await home.images(), ['unused 1.0', 'used 1.0']);
  await forgetHome(home.layout, id);
  await other.gc();
  t.deepEqual(await home.images(), []);
});

test('while the roots of a home that cannot be reached are lost nothing is removed', async (t) => {
  const home = await homeWithWeb(t);
  await rename(home.home, `${home.home}.away`);
  await rm(home.layout.roots, { recursive: true });
  await refused(t, 'ROOTS_INCOMPLETE', [home.home, 'gone'], () => home.beside('other').gc());
  t.is((await home.images()).length, 2);
});

test('a store that knows no home at all removes nothing', async (t) => {
  const home = await homeWithWeb(t);
  await rm(home.layout.homes, { recursive: true });
  await refused(t, 'ROOTS_INCOMPLETE', [home.store], () => home.gc());
  t.is((await home.images()).length, 2);
});

test('a damaged manifest is replaced by its root; without one nothing is removed', async (t) => {
  const home = await homeWithWeb(t);
  await damage(join(home.home, 'environments', 'web', '00000001.manifest'));
  await assertOnlyUsedStays(t, home);
  await ageRoots(home, 7200);
  await assertOnlyUsedStays(t, home);
  for (const path of await rootFiles(home)) await unlink(path);
  await refused(t, 'ROOTS_INCOMPLETE', ['web@1'], () => home.gc());
  t.deepEqual(await home.images(), ['used 1.0']);
});

test('a home that is away keeps what it refers to', async (t) => {
  const home = await homeWithWeb(t);
  await rename(home.home, `${home.home}.away`);
  await assertOnlyUsedStays(t, home.beside('other'));
});

test('a home that was moved is the same, one that was copied is another', async (t) => {
  const home = await homeWithWeb(t);
  const copy = await home.copyTo('copy');
  await copy.publish('more', await copy.put('more'));
  await home.workspace.environments.delete('web');
  await home.gc();
  t.deepEqual(await home.images(), ['more 1.0', 'used 1.0']);
  await rename(copy.home, `${copy.home}.moved`);
  const moved = home.beside('copy.moved');
  await moved.workspace.environments.delete('web');
  await moved.gc();
  t.deepEqual(await home.images(), ['more 1.0']);
});

test('a root of nothing counts for an hour, then it is given up', async (t) => {
  const home = await StoredHome.make(t);
  await home.publish('web');
  const pending = home.manifest('next', 99, [await home.put('pending')]);
  await registerRoots(home.layout, await identifyHome(home.home), [pending]);
  await home.gc();
  t.deepEqual(await home.images(), ['pending 1.0']);
  await ageRoots(home, 3660);
  const lease = await HeldLease.take(home.layout, 'operation', 'create next');
  const { leases } = home.layout;
  const file = join(leases, `${lease!.id}.lease`);
  const running = JSON.parse(await readFile(file, 'utf8')) as Lease;
  await writeFile(file, JSON.stringify({ ...running, startedMs: Date.now() - 7_200_000 }));
  await home.gc();
  t.deepEqual(await home.images(), ['pending 1.0'], 'its operation has not ended');
  await lease!.end();
  await home.gc();
  t.deepEqual(await home.images(), []);
});

test('of two that publish one generation the root of the one that lost keeps nothing of the other from counting', async (t) => {
  const home = await StoredHome.make(t);
  const first = await home.publish('web', await home.put('old'));
  const { environments } = home.workspace;
  const [mine, theirs] = [await home.put('mine'), await home.put('theirs')];
  await environments.commit(home.manifest('web', first.serial, [mine], 2));
  await refused(t, 'ENVIRONMENT_CHANGED', ["'web'"], () =>
    environments.commit(home.manifest('web', first.serial, [theirs], 2)),
  );
  await ageRoots(home, 3660);
  await home.gc();
  t.deepEqual(await home.images(), ['mine 1.0', 'old 1.0']);
});

test('what a change that was interrupted will publish counts', async (t) => {
  const home = await homeWithWeb(t);
  const next = home.manifest('web', 1, [await home.put('next')], 2);
  const { changes } = home.workspace.environments;
  await home.workspace.environments.register();
  const journal = packFramed('SHENVJRN', 2, { process: thisProcess(), manifests: [encodeManifest(next)] });
  await mkdir(changes);
  await writeFile(join(changes, `${'0'.repeat(16)}.journal`), journal);
  await home.gc();
  t.deepEqual(await home.images(), ['next 1.0', 'used 1.0']);
});

test('what killed commands have staged goes after a day, in the home and in the store', async (t) => {
  const home = await homeWithWeb(t);
  const dayAgo = Date.now() / 1000 - 25 * 3600;
  const staged: string[] = [];
  for (const folder of [home.home, join(home.home, 'tmp'), home.layout.homes]) {
    await mkdir(folder, { recursive: true });
    for (const [name, seconds] of [
      [`1-${'0'.repeat(16)}.tmp`, dayAgo],
      [`1-${'1'.repeat(16)}.tmp`, Date.now() / 1000],
    ] as const) {
      staged.push(join(folder, name));
      await writeFile(join(folder, name), '');
      await utimes(join(folder, name), seconds, seconds);
    }
  }
  await home.gc();
  const left = await Promise.all(
    staged.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  t.deepEqual(left, [false, true, false, true, false, true]);
});

test('while a journal cannot be read nothing is removed', async (t) => {
  const home = await homeWithWeb(t);
  const { changes } = home.workspace.environments;
  await mkdir(changes);
  await writeFile(join(changes, `${'0'.repeat(16)}.journal`), packFramed('SHENVJRN', 99, {}));
  await refused(t, 'ROOTS_INCOMPLETE', ['.journal'], () => home.gc());
  t.is((await home.images()).length, 2);
});

test('a home whose environments are on a disk that is away keeps what it refers to', async (t) => {
  const home = await homeWithWeb(t);
  await ageRoots(home, 7200);
  await rename(join(home.home, 'environments'), join(home.home, 'away'));
  await assertOnlyUsedStays(t, home);
  await assertOnlyUsedStays(t, home);
});

test('after the roots of a home were lost, its next change registers all of it', async (t) => {
  const home = await homeWithWeb(t);
  await rm(home.layout.roots, { recursive: true });
  await home.publish('other');
  await rename(home.home, `${home.home}.away`);
  await assertOnlyUsedStays(t, home.beside('elsewhere'));
});

test('an environment that was renamed loses nothing, its old roots are given up', async (t) => {
  const home = await homeWithWeb(t);
  await renameEnvironment(home.workspace, 'web', 'site');
  await assertOnlyUsedStays(t, home);
  const roots = await home.roots();
  t.deepEqual(
    roots?.live.map(({ manifest }) => manifest?.name),
    ['site'],
  );
});
