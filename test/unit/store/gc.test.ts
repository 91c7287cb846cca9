import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import test from 'ava';
import { thisProcess } from '../../../src/base/process-identity.js';
import { choose, type WeighedImage } from '../../../src/store/gc/candidates.js';
import { condemn } from '../../../src/store/gc/condemned.js';
import { type ImageName, imageNameOf } from '../../../src/store/layout.js';
import { HeldLease, type Lease, listLeases } from '../../../src/store/leases.js';
import { rescue } from '../../../src/store/rescue.js';
import { StoredHome } from '../../support/stored-home.js';
import { readTree } from '../../support/tree.js';

const hex = (digit: string) => digit.repeat(16) as ImageName;

function weighed(name: string, usedMs: number, bytes = 10): WeighedImage {
  return { name: name as ImageName, place: name, bytes, usedMs, isMovable: true };
}

const policy = { nowMs: 1000, olderThanMs: 0, maxBytes: undefined, operationsSinceMs: undefined };

test('what is used within the grace period stays, with all that goes with it', (t) => {
  const images = [weighed(hex('a'), 100), weighed(`${hex('a')}.cpython-311`, 950), weighed(hex('b'), 100)];
  const { doomed, young } = choose(images, new Set(), { ...policy, olderThanMs: 100 });
  t.deepEqual(
    doomed.map(({ name }) => name),
    [hex('b')],
  );
  t.is(young.length, 2);
});

test('bytecode that nobody shows goes without its wheel, and before it when both go', (t) => {
  const bytecode = `${hex('a')}.cpython-311`;
  const images = [weighed(hex('a'), 1), weighed(bytecode, 1)];
  const alone = choose(images, new Set([hex('a')]), policy).doomed.map(({ name }) => name as string);
  t.deepEqual(alone, [bytecode]);
  const both = choose(images, new Set(), policy).doomed.map(({ name }) => name as string);
  t.deepEqual(both, [bytecode, hex('a')]);
});

test('with a size only so much goes as is over it, least recently used first', (t) => {
  const images = [weighed(hex('a'), 3), weighed(hex('b'), 1), weighed(hex('c'), 2), weighed(hex('d'), 0)];
  const { doomed, withinSize } = choose(images, new Set([hex('d')]), { ...policy, maxBytes: 25 });
  t.deepEqual(
    doomed.map(({ name }) => name),
    [hex('b'), hex('c')],
  );
  t.deepEqual(
    withinSize.map(({ name }) => name),
    [hex('a')],
  );
});

test('what was put in since the oldest running operation began stays', (t) => {
  const { doomed } = choose([weighed(hex('a'), 600)], new Set(), { ...policy, operationsSinceMs: 500 });
  t.deepEqual(doomed, []);
});

test('a dry run says what would go and changes nothing', async (t) => {
  const home = await StoredHome.make(t);
  await home.publish('web', await home.put('used'));
  await home.put('unused');
  const before = await readTree(home.layout.root);
  const { removed } = await home.gc({ isDryRun: true });
  t.is(removed.length, 1);
  t.deepEqual(await readTree(home.layout.root), before);
});

test('an image that was condemned comes back for whoever looks it up', async (t) => {
  const home = await StoredHome.make(t);
  const image = await home.put('alpha');
  const place = relative(home.layout.images, image.path);
  const { store, outlines } = home.workspace;
  const key = { name: 'alpha', version: '1.0', wheelDigest: image.wheelDigest };
  for (const lookUp of [
    async () => (await store.open('alpha', '1.0', image.wheelDigest)).path,
    async () => outlines.open(key).path,
  ]) {
    const condemned = join(home.layout.condemned, 'collection-1', place);
    await mkdir(join(condemned, '..'), { recursive: true });
    await rename(image.path, condemned);
    t.is(await lookUp(), image.path);
    t.deepEqual(await readdir(join(condemned, '..')), []);
  }
});

test('a look-up of bytecode takes the image of its wheel back with it, and both stay', async (t) => {
  const home = await StoredHome.make(t);
  const base = await home.put('alpha');
  const bytecode = await home.compile(base);
  for (const { path } of [base, bytecode]) {
    const condemned = join(home.layout.condemned, 'collection-1', relative(home.layout.images, path));
    await mkdir(join(condemned, '..'), { recursive: true });
    await rename(path, condemned);
  }
  const key = { name: 'alpha', version: '1.0', wheelDigest: base.wheelDigest };
  t.is(home.workspace.outlines.find(key, bytecode.meta.cacheTag)?.path, bytecode.path);
  t.is((await home.workspace.store.find('alpha', '1.0', base.wheelDigest))?.path, base.path);
});

test('what an operation still needs waits for the next gc, and goes back when it was referred to', async (t) => {
  const home = await StoredHome.make(t);
  await home.publish('web');
  const wanted = await home.put('wanted');
  await home.put('unwanted');
  await utimesBack(wanted.path, join(home.layout.images, 'unwanted'));
  const lease = await HeldLease.take(home.layout, 'operation', 'create demo');
  const first = await home.gc();
  t.is(first.removed.length, 0);
  t.is(first.waiting.length, 2);
  t.deepEqual(
    first.waitingFor.map(({ what }) => what),
    ['create demo'],
  );
  await home.publish('demo', wanted);
  await lease!.end();
  const second = await home.gc();
  t.is(second.removed.length, 1);
  t.deepEqual(await home.images(), ['wanted 1.0']);
});

test('a lease of a process that is gone is removed, one of another host is believed for a day', async (t) => {
  const home = await StoredHome.make(t);
  await home.publish('web');
  const image = await home.put('alpha');
  await utimesBack(image.path);
  await mkdir(home.layout.leases, { recursive: true });
  const gone = spawnSync('true').pid;
  const here = thisProcess();
  const write = async (id: string, changes: Partial<Lease>) => {
    const lease = { ...here, kind: 'operation', what: id, startedMs: Date.now(), images: [], ...changes };
    await writeFile(join(home.layout.leases, `${id}.lease`), JSON.stringify(lease));
  };
  await write('gone', { pid: gone });
  await write('elsewhere', { system: 'another boot', pid: gone });
  t.deepEqual(
    (await home.gc()).waitingFor.map(({ id }) => id),
    ['elsewhere'],
  );
  t.deepEqual(await readdir(home.layout.leases), ['elsewhere.lease']);
  const dayAgo = Date.now() / 1000 - 25 * 3600;
  await utimes(join(home.layout.leases, 'elsewhere.lease'), dayAgo, dayAgo);
  t.is((await home.gc()).removed.length, 1);
  t.deepEqual(await readdir(home.layout.leases), []);
});

test('a lease that cannot be read counts as a running operation', async (t) => {
  const home = await StoredHome.make(t);
  await mkdir(home.layout.leases, { recursive: true });
  await writeFile(join(home.layout.leases, 'torn.lease'), '{"kind":');
  const [lease] = await listLeases(home.layout, Date.now());
  t.true(lease?.isAlive);
  t.is(lease?.kind, 'operation');
});

test('what a mount shows stays when its environment is deleted', async (t) => {
  const home = await StoredHome.make(t);
  const image = await home.put('alpha');
  await home.publish('web', image);
  const lease = await HeldLease.take(home.layout, 'mount', '/mnt');
  await lease!.show([imageNameOf(image.wheelDigest)]);
  await home.workspace.environments.delete('web');
  const { shown } = await home.gc();
  t.is(shown.length, 1);
  t.deepEqual(await home.images(), ['alpha 1.0']);
  await lease!.end();
  t.is((await home.gc()).removed.length, 1);
});

test('what a gc that was killed has condemned goes back where it is referred to, and is removed where not', async (t) => {
  const home = await StoredHome.make(t);
  const used = await home.put('used');
  const unused = await home.put('unused');
  await home.publish('web', used);
  for (const { path } of [used, unused]) {
    const condemned = join(home.layout.condemned, 'collection-7', relative(home.layout.images, path));
    await mkdir(join(condemned, '..'), { recursive: true });
    await rename(path, condemned);
  }
  const bytes = await readFile(
    join(home.layout.condemned, 'collection-7', relative(home.layout.images, used.path)),
  );
  const { removed } = await home.gc();
  t.is(removed.length, 1);
  t.deepEqual(await home.images(), ['used 1.0']);
  t.deepEqual(await readFile(used.path), bytes);
  t.deepEqual(await readdir(home.layout.condemned), []);
});

test('collections at the same time share the work', async (t) => {
  const home = await StoredHome.make(t);
  await home.publish('web', await home.put('used'));
  for (const name of ['a', 'b', 'c', 'd']) await home.put(name);
  const collected = await Promise.all([home.gc(), home.gc(), home.gc()]);
  t.is(
    collected.reduce((sum, { removed }) => sum + removed.length, 0),
    4,
  );
  t.deepEqual(await home.images(), ['used 1.0']);
});

test('half-written files go once nothing runs, and no sooner', async (t) => {
  const home = await StoredHome.make(t);
  await home.publish('web');
  await mkdir(home.layout.staging, { recursive: true });
  const half = join(home.layout.staging, '1-0.tmp');
  await writeFile(half, 'half');
  await utimesBack(half);
  const lease = await HeldLease.take(home.layout, 'operation', 'store add');
  t.is((await home.gc()).leftovers, 0);
  await lease!.end();
  t.is((await home.gc()).leftovers, 1);
  t.deepEqual(await readdir(home.layout.staging), []);
});

test('folders in which an image comes back have the modes of a store, whatever the umask', async (t) => {
  const home = await StoredHome.make(t);
  const image = await home.put('alpha');
  await chmod(home.layout.images, 0o3777);
  const place = relative(home.layout.images, image.path);
  await condemn(home.layout, 'collection-1', place);
  await rm(join(home.layout.images, 'alpha'), { recursive: true });
  const umask = process.umask(0o077);
  const isBack = rescue(home.workspace.store.first, 'alpha', imageNameOf(image.wheelDigest));
  process.umask(umask);
  t.true(isBack);
  for (const folder of [
    dirname(image.path),
    join(home.layout.images, 'alpha'),
    join(home.layout.condemned, 'collection-1', 'alpha'),
  ])
    t.is((await stat(folder)).mode & 0o777, 0o755, folder);
});

test('an interrupted gc leaves every image in its place', async (t) => {
  const home = await StoredHome.make(t);
  await home.publish('web');
  await home.put('alpha');
  const abort = new AbortController();
  const interrupted = home.gcWith(abort.signal, { settleMs: 60_000 });
  await home.condemnedAppears();
  abort.abort();
  await t.throwsAsync(interrupted, { name: 'AbortError' });
  t.deepEqual(await home.images(), ['alpha 1.0']);
  t.deepEqual(await readdir(home.layout.condemned), []);
});

/** Puts the time of files, or of all that a folder holds, back by an hour. */
async function utimesBack(...paths: string[]): Promise<void> {
  const then = Date.now() / 1000 - 3600;
  for (const path of paths) {
    await utimes(path, then, then);
    const below = await readdir(path, { recursive: true }).catch(() => []);
    for (const name of below) await utimes(join(path, name), then, then);
  }
}
