import { mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { unless } from '../../../src/base/errors.js';
import { DamagedImage } from '../../support/image-damage.js';
import { createSample, writeSampleWheels } from '../../support/sample-wheels.js';
import { Sandbox } from '../../support/sandbox.js';

interface Damaged {
  path: string;
  faults: { kind: string; rule: string }[];
  users: { homePath: string; environment: string; generations: number[] }[];
}

interface Repaired extends Damaged {
  outcome: string;
  how: string;
  asideAt?: string;
}

async function sandboxOf(t: ExecutionContext): Promise<Sandbox> {
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy());
  return sandbox;
}

async function imageOf(sandbox: Sandbox, name: string): Promise<string> {
  const found = JSON.parse(await sandbox.expect('store', 'list', name, '--json')) as { path: string }[];
  return found[0]!.path;
}

async function verify(sandbox: Sandbox): Promise<{ status: number | null; damaged: Damaged[] }> {
  const { status, stdout } = await sandbox.shenv('store', 'verify', '--json');
  return { status, damaged: (JSON.parse(stdout) as { damaged: Damaged[] }).damaged };
}

async function repair(
  sandbox: Sandbox,
  ...options: string[]
): Promise<{ status: number | null; images: Repaired[] }> {
  const { status, stdout, stderr } = await sandbox.shenv('store', 'repair', '--json', ...options);
  const data = JSON.parse(stdout) as { images?: Repaired[] };
  if (!data.images) throw new Error(stderr);
  return { status, images: data.images };
}

/** Flips a bit of the only large file. */
async function flipContents(path: string): Promise<void> {
  const image = new DamagedImage(await readFile(path));
  const at = Number(image.data.readBigUInt64LE(image.node(image.find('table.bin'), 'contentOffset')));
  image.data.writeUInt8(image.data.readUInt8(at) ^ 1, at);
  await writeFile(path, image.data);
}

async function filesOf(folder: string): Promise<string[]> {
  return ((await unless('ENOENT', readdir(folder, { recursive: true }))) ?? []).filter((name) =>
    /\.img\.\d+$/.test(name),
  );
}

test('verify names the environments and generations that show a damaged image', async (t) => {
  const sandbox = await sandboxOf(t);
  await createSample(sandbox, 'demo');
  await sandbox.expect('create', 'bare', '--without-pip');
  await flipContents(await imageOf(sandbox, 'alpha'));
  const { status, damaged } = await verify(sandbox);
  t.is(status, 20);
  t.is(damaged.length, 1);
  const [{ homePath, environment, generations }] = damaged[0]!.users as [Damaged['users'][number]];
  t.deepEqual(
    { homePath, environment, generations },
    {
      homePath: sandbox.path('home'),
      environment: 'demo',
      generations: [1],
    },
  );
  const { stdout } = await sandbox.shenv('store', 'verify');
  t.regex(stdout, /alpha\/1\.0\/\S+ +the contents of 'site\/alpha\/table\.bin'.* demo@1 /);
  t.regex(stdout, /shenv-fs store repair/);
});

test('repair rebuilds the same file with the same serial, and keeps the damaged one', async (t) => {
  const sandbox = await sandboxOf(t);
  await createSample(sandbox, 'demo');
  const path = await imageOf(sandbox, 'alpha');
  const sound = await readFile(path);
  await flipContents(path);
  const damaged = await readFile(path);
  const { status, images } = await repair(sandbox, '--no-index', '--find-links', sandbox.path('wheels'));
  t.is(status, 0);
  t.is(images[0]!.outcome, 'rebuilt');
  t.true((await readFile(path)).equals(sound));
  t.true((await readFile(images[0]!.asideAt!)).equals(damaged));
  t.is((await verify(sandbox)).status, 0);
});

test('with the header lost an image is found by what manifests know of it', async (t) => {
  const sandbox = await sandboxOf(t);
  await createSample(sandbox, 'demo');
  const path = await imageOf(sandbox, 'beta');
  await truncate(path, 0);
  t.is((await repair(sandbox, '--find-links', sandbox.path('wheels'))).images[0]!.outcome, 'rebuilt');
  t.is((await verify(sandbox)).status, 0);
  t.true((await readFile(path)).length > 0);
});

test('pip is asked for the wheel with the digest that it had', async (t) => {
  const sandbox = await sandboxOf(t);
  await createSample(sandbox, 'demo');
  const path = await imageOf(sandbox, 'beta');
  const sound = await readFile(path);
  await truncate(path, sound.length - 1);
  const index = sandbox.path('index', 'beta');
  await mkdir(index, { recursive: true });
  const wheel = 'beta-2.0-py3-none-any.whl';
  await rename(sandbox.path('wheels', wheel), join(index, wheel));
  await writeFile(join(index, 'index.html'), `<a href="${wheel}">${wheel}</a>`);
  const options = ['--index-url', pathToFileURL(sandbox.path('index')).href];
  const { status, images } = await repair(sandbox, ...options);
  t.is(status, 0, JSON.stringify(images));
  t.is((await verify(sandbox)).status, 0);
});

test('what cannot be had again is put aside and named, and rebuilt when its wheel is there', async (t) => {
  const sandbox = await sandboxOf(t);
  await createSample(sandbox, 'demo');
  const path = await imageOf(sandbox, 'alpha');
  const sound = await readFile(path);
  await flipContents(path);
  const wheels = sandbox.path('wheels');
  await rename(wheels, `${wheels}-away`);
  const first = await repair(sandbox, '--no-index');
  t.is(first.status, 20);
  t.is(first.images[0]!.outcome, 'lost');
  t.is(first.images[0]!.users[0]!.environment, 'demo');
  t.is(await unless('ENOENT', readFile(path)), undefined);
  const { stdout } = await sandbox.shenv('store', 'repair', '--no-index');
  t.regex(stdout, /is lost \(the damaged file is .*damaged.*\): .*--find-links/);
  const second = await repair(sandbox, '--no-index', '--find-links', `${wheels}-away`);
  t.is(second.images[0]!.outcome, 'rebuilt', JSON.stringify(second.images));
  t.true((await readFile(path)).equals(sound));
});

test('a dry run changes nothing and tells what would be done', async (t) => {
  const sandbox = await sandboxOf(t);
  await createSample(sandbox, 'demo');
  const path = await imageOf(sandbox, 'alpha');
  await flipContents(path);
  const damaged = await readFile(path);
  const { status, images } = await repair(sandbox, '--dry-run', '--find-links', sandbox.path('wheels'));
  t.is(status, 0);
  t.is(images[0]!.outcome, 'would be rebuilt');
  t.is(images[0]!.how, sandbox.path('wheels', 'alpha-1.0-py3-none-any.whl'));
  t.true((await readFile(path)).equals(damaged));
  t.deepEqual(await filesOf(sandbox.path('home', 'store', 'v1', 'damaged')), []);
});

test('bytecode is compiled again under its old serial, and a second damage is kept beside the first', async (t) => {
  const sandbox = await sandboxOf(t);
  const wheels = await writeSampleWheels(sandbox);
  await sandbox.expect('create', 'demo', 'beta', '--no-index', '--find-links', wheels, '--without-pip');
  const folder = join(await imageOf(sandbox, 'beta'), '..');
  const file = (await readdir(folder)).find((name) => /\.cpython-\d+\.img$/.test(name))!;
  const path = join(folder, file);
  const serial = (data: Buffer) => data.readBigUInt64LE(24);
  const sound = await readFile(path);
  for (const time of [1, 2]) {
    await truncate(path, sound.length - 1);
    const { damaged } = await verify(sandbox);
    t.is(damaged[0]!.users[0]!.environment, 'demo');
    const image = new DamagedImage(sound);
    // A sound header, and nodes that are not.
    image.data.writeUInt8(255, image.offset('nodes'));
    await writeFile(path, image.data);
    const { status, images } = await repair(sandbox);
    t.is(status, 0, JSON.stringify(images));
    t.is(serial(await readFile(path)), serial(sound));
    t.is((await filesOf(sandbox.path('home', 'store', 'v1', 'damaged'))).length, time);
  }
  t.is((await verify(sandbox)).status, 0);
  await rm(folder, { recursive: true });
});
