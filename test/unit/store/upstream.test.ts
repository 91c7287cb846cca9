import { cp, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findPlaces } from '../../../src/base/paths.js';
import { silentProgress } from '../../../src/base/progress.js';
import { recallPlan, rememberPlan } from '../../../src/env/plan-cache.js';
import { openWorkspace } from '../../../src/env/workspace.js';
import type { Image } from '../../../src/image/read.js';
import { findBytecode, putBytecode } from '../../../src/store/bytecode.js';
import { presentStores } from '../../../src/store/chain.js';
import { ImageCache, type ImageKey } from '../../../src/store/image-cache.js';
import { Outlines } from '../../../src/store/outlines.js';
import { putWheel } from '../../../src/store/put.js';
import { renumberClashing } from '../../../src/store/renumber.js';
import { firstSerial } from '../../../src/store/serials.js';
import { ShownSerials } from '../../../src/store/shown-serials.js';
import { Store } from '../../../src/store/store.js';
import { verifyStore } from '../../../src/store/verify/verify.js';
import { DamagedImage } from '../../support/image-damage.js';
import { refused } from '../../support/refusal.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { compareTrees, readTree } from '../../support/tree.js';
import { writeWheel } from '../../support/wheel-builder.js';

interface Chain {
  folder: string;
  /** Alone. */
  upstream: Store;
  /** `mine` above `upstream`. */
  store: Store;
  /** The image of alpha in the upstream store, and its wheel. */
  alpha: Image;
  wheel: string;
}

async function chainOf(t: ExecutionContext): Promise<Chain> {
  const folder = await temporaryFolder(t);
  const upstream = new Store(join(folder, 'upstream'));
  const wheel = await wheelOf(folder, 'alpha');
  const { image } = await putWheel(upstream, wheel);
  const store = new Store(join(folder, 'mine'), [join(folder, 'upstream')]);
  return { folder, upstream, store, alpha: image, wheel };
}

const wheelOf = (folder: string, name: string): Promise<string> =>
  writeWheel(folder, { name, files: { [`${name}.py`]: `NAME = '${name}'\n` } });

const keyOf = ({ meta, wheelDigest }: Image): ImageKey & { wheelFilename: string } => ({
  name: meta.name,
  version: meta.version,
  wheelDigest,
  wheelFilename: meta.wheelFilename,
});

/** "Compiles" every source to its length in bytes. */
const compile = async (_: string, output: string, sources: readonly { sizeBytes: number }[]) => {
  const file = await open(output, 'w');
  for (const { sizeBytes } of sources) await file.write(Buffer.alloc(sizeBytes, 'c'));
  await file.close();
  return sources.map(({ sizeBytes }) => sizeBytes);
};

test('look-ups fall through to the upstream store, and nothing is put again that it has', async (t) => {
  const { folder, store, alpha, wheel } = await chainOf(t);
  const { image, added } = await putWheel(store, wheel);
  t.deepEqual([added, image.path], [false, alpha.path]);
  t.is((await store.open('alpha', '1.0', alpha.wheelDigest)).path, alpha.path);
  t.is(new Outlines(store).open(keyOf(alpha)).path, alpha.path);
  const { wheelFilename: _, ...unnamed } = keyOf(alpha);
  t.is(new Outlines(store).open(unnamed).path, alpha.path);
  t.is(new Outlines(store).listVersion('alpha', '1.0').length, 1);
  const beta = await putWheel(store, await wheelOf(folder, 'beta'));
  t.true(beta.image.path.startsWith(join(folder, 'mine')));
  const roots: string[] = [];
  for await (const { name, part } of store.list()) roots.push(`${name} ${part.layout.root}`);
  t.deepEqual(roots, [`alpha ${join(folder, 'upstream')}`, `beta ${join(folder, 'mine')}`]);
});

test('the upstream store is never written', async (t) => {
  const { folder, store, alpha, upstream } = await chainOf(t);
  const before = await readTree(upstream.layout.images);
  await putBytecode(store, alpha, 'cpython-312', compile);
  await putWheel(store, await wheelOf(folder, 'beta'));
  t.deepEqual(compareTrees(before, await readTree(upstream.layout.images)), []);
});

test('bytecode of an upstream image lands in the first store, and of any store is found', async (t) => {
  const { store, alpha, upstream } = await chainOf(t);
  t.is(await findBytecode(store, alpha, 'cpython-312'), undefined);
  const made = await putBytecode(store, alpha, 'cpython-312', compile);
  t.regex(made.path, /^.*\/mine\/v1\/images\/alpha\/1\.0\/[^/]*\.cpython-312\.img$/);
  t.is((await findBytecode(store, alpha, 'cpython-312'))?.path, made.path);
  t.is(new Outlines(store).find(keyOf(alpha), 'cpython-312')?.path, made.path);
  const theirs = await putBytecode(upstream, alpha, 'cpython-313', compile);
  t.is((await findBytecode(store, alpha, 'cpython-313'))?.path, theirs.path);
  t.is((await new ImageCache(store).open(keyOf(alpha), 'cpython-313')).path, theirs.path);
  t.is((await new ImageCache(store).open(keyOf(alpha), 'cpython-312')).path, made.path);
  await rename(made.path, made.path.replace('/py3', '/other-py3'));
  t.truthy(await findBytecode(store, alpha, 'cpython-312'), 'under a name that ends in the same way');
  t.truthy(new Outlines(store).find(keyOf(alpha), 'cpython-312'));
});

test("bytecode is verified against its wheel's image of an upstream store", async (t) => {
  const { store, alpha } = await chainOf(t);
  const { path } = await putBytecode(store, alpha, 'cpython-311', compile);
  const options = { distributions: [], progress: silentProgress };
  const { count, faulty } = await verifyStore(store, options);
  t.deepEqual({ count, faulty }, { count: 1, faulty: [] });
  const image = new DamagedImage(await readFile(path));
  const at = image.node(image.find('alpha.py'), 'contentOffset');
  image.data.writeBigUInt64LE(image.data.readBigUInt64LE(at) + 64n, at);
  image.sign();
  await writeFile(path, image.data);
  const [verdict] = (await verifyStore(store, options)).faulty;
  t.regex(verdict!.faults[0]!.rule, /its wheel's image does not have/);
});

test('a new store begins with numbers that its upstream stores are far from', (t) => {
  const range = 2 ** 20;
  const others = Array.from({ length: 1022 }, (_, at) => at * 2 * range + 5);
  for (let round = 0; round < 50; round += 1) {
    const first = firstSerial(others);
    t.true(first >= 2044 * range && first < 2 ** 31, String(first));
    t.true(firstSerial([], 2046 * range + 9) >= 2047 * range);
  }
});

/** A store and its copy, to each of which another wheel was added: both gave it the same number. */
async function clashOf(
  t: ExecutionContext,
): Promise<{ store: Store; beta: Image; gamma: Image; folder: string }> {
  const { folder, upstream } = await chainOf(t);
  await cp(join(folder, 'upstream'), join(folder, 'copy'), { recursive: true });
  const beta = await putWheel(upstream, await wheelOf(folder, 'beta'));
  const gamma = await putWheel(new Store(join(folder, 'copy')), await wheelOf(folder, 'gamma'));
  t.is(beta.image.serial, gamma.image.serial);
  const store = new Store(join(folder, 'copy'), [join(folder, 'upstream')]);
  return { folder, store, beta: beta.image, gamma: gamma.image };
}

test('a mount refuses an image whose number another one has, in whichever order; the same image twice is one', async (t) => {
  const { store, beta, gamma } = await clashOf(t);
  for (const [first, second] of [
    [beta, gamma],
    [gamma, beta],
  ] as const) {
    const images = new ImageCache(store, new ShownSerials());
    await images.open(keyOf(first));
    await refused(t, 'SERIAL_CLASH', [second.path, first.path], () => images.open(keyOf(second)));
  }
  const shown = new ShownSerials();
  for await (const stored of store.listOf('alpha')) shown.admit((await store.read(stored))!);
  await new ImageCache(store).open(keyOf(beta));
});

test('renumbering gives the clashing images of the first store other numbers and changes no open file', async (t) => {
  const { folder, store, beta, gamma } = await clashOf(t);
  await putBytecode(store, gamma, 'cpython-312', compile);
  const upstream = await readTree(join(folder, 'upstream'));
  const before = await readFile(gamma.path);
  const reader = await open(gamma.path, 'r');
  t.teardown(() => reader.close());
  const renumbered = await renumberClashing(store);
  t.deepEqual(
    renumbered.map(({ path, before }) => [path, before]),
    [[gamma.path, gamma.serial]],
  );
  t.deepEqual(await reader.readFile(), before);
  const images = new ImageCache(store, new ShownSerials());
  t.is((await images.open(keyOf(beta))).serial, beta.serial);
  t.is((await images.open(keyOf(gamma))).serial, renumbered[0]!.after);
  t.truthy(await images.open(keyOf(gamma), 'cpython-312'));
  t.deepEqual(compareTrees(upstream, await readTree(join(folder, 'upstream'))), []);
  t.deepEqual(await readdir(store.layout.staging), []);
  t.deepEqual(await renumberClashing(store), []);
  const delta = await putWheel(store, await wheelOf(folder, 'delta'));
  t.true(Math.abs(delta.image.serial - beta.serial) >= 2 ** 19, 'counts on where the other store is not');
});

test('a missing upstream store is named once and left out; one without images counts as missing', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'empty'));
  await mkdir(join(folder, 'there', 'v1', 'images'), { recursive: true });
  const notes: string[] = [];
  const progress = { ...silentProgress, note: (text: string) => notes.push(text) };
  const names = ['missing', 'empty', 'there'].map((name) => join(folder, name));
  t.deepEqual(presentStores(names, progress), [join(folder, 'there')]);
  t.is(notes.length, 2);
  t.true(notes[0]!.includes(join(folder, 'missing')));
  t.deepEqual((await readdir(folder)).sort(), ['empty', 'there']);
});

test('stores are separated as in PATH, each counts once', (t) => {
  const { store, upstreams } = findPlaces({ HOME: '/h', SHENV_STORE: '/a::/b:/a/:/c' });
  t.deepEqual([store, upstreams], ['/a', ['/b', '/c']]);
  t.is(findPlaces({ HOME: '/h', SHENV_STORE: ':' }).store, '/h/.local/share/shenv-fs/store');
});

test('an operation holds a lease in every store', async (t) => {
  const { store } = await chainOf(t);
  const held = () => Promise.all(store.layouts.map(async ({ leases }) => (await readdir(leases)).length));
  await store.during('test', async () => {
    await store.during('within', async () => undefined);
    t.deepEqual(await held(), [1, 1]);
  });
  t.deepEqual(await held(), [0, 0]);
});

test('a plan is recalled while its images are in any of the stores', async (t) => {
  const { folder, alpha } = await chainOf(t);
  const variables = { HOME: folder, SHENV_HOME: join(folder, 'home') };
  const workspaceOf = (stores: string) => openWorkspace(findPlaces({ ...variables, SHENV_STORE: stores }));
  const both = workspaceOf(`${join(folder, 'mine')}:${join(folder, 'upstream')}`);
  const shown = [{ image: alpha, slot: 1, requested: true, installer: '', directUrl: undefined }];
  await rememberPlan(both, alpha.wheelDigest, { layers: [], requested: [], clashes: [] }, shown);
  t.truthy(await recallPlan(both, alpha.wheelDigest));
  t.truthy(await recallPlan(workspaceOf(join(folder, 'upstream')), alpha.wheelDigest));
  await rm(alpha.path);
  t.is(await recallPlan(both, alpha.wheelDigest), undefined);
});
