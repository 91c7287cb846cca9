import { lstat, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findPlaces } from '../../src/base/paths.js';
import { storeLayout } from '../../src/store/layout.js';
import { noteRenewal } from '../../src/store/renewals.js';
import { skip } from '../support/interpreters.js';
import { engines, eventually, mountOrSkip, sandboxOf } from '../support/mounts.js';
import { createSample } from '../support/sample-wheels.js';
import type { Sandbox } from '../support/sandbox.js';
import { readTree } from '../support/tree.js';

/** Where the images are, as the sandbox's commands see it. */
function imagesOf(sandbox: Sandbox): string {
  return storeLayout(findPlaces(sandbox.variables).store).images;
}

async function sealedFile(sandbox: Sandbox, name = 'demo'): Promise<string> {
  const folder = sandbox.path('home', 'environments', name);
  return join(folder, (await readdir(folder)).filter((file) => file.endsWith('.sealed')).at(-1)!);
}

async function sitePackages(environment: string): Promise<string> {
  const lib = join(environment, 'lib');
  return join(lib, (await readdir(lib))[0]!, 'site-packages');
}

/** Every path below, each looked at. */
async function walk(folder: string): Promise<string[]> {
  const paths = (await readdir(folder, { recursive: true })).sort();
  for (const path of paths) await lstat(join(folder, path));
  return paths;
}

async function warningsOf(sandbox: Sandbox): Promise<string> {
  const [mount] = JSON.parse(await sandbox.expect('status', '--json')) as { warnings?: object }[];
  return JSON.stringify(mount!.warnings ?? {});
}

/** One test for each engine, with a sealed environment `demo` that is not mounted yet. */
function sealedTest(
  title: string,
  body: (
    t: ExecutionContext,
    sandbox: Sandbox,
    mount: (name?: string, ...options: string[]) => Promise<string>,
  ) => Promise<void>,
  tried = engines,
): void {
  for (const engine of tried) {
    test.serial(`${engine}: ${title}`, async (t) => {
      const sandbox = await sandboxOf(t);
      await createSample(sandbox, 'demo', '--seal');
      const probe = await mountOrSkip(t, sandbox, engine, 'probe');
      if (probe === undefined) return;
      await sandbox.expect('unmount', probe);
      await body(t, sandbox, (name = 'mnt', ...options) => sandbox.mount(engine, name, ...options));
    });
  }
}

const kernelOnly = engines.filter((engine) => engine === 'kernel');

sealedTest('a sealed environment shows bit for bit what it shows without', async (t, sandbox, mount) => {
  const mountpoint = await mount();
  const sealed = await readTree(join(mountpoint, 'demo'));
  t.is(await warningsOf(sandbox), '{}');
  await sandbox.expect('unmount', mountpoint);
  await rm(await sealedFile(sandbox));
  await mount();
  t.deepEqual(await readTree(join(mountpoint, 'demo')), sealed);
});

sealedTest(
  'of a sealed environment everything but contents is shown while the images are away',
  async (t, sandbox, mount) => {
    const environment = join(await mount(), 'demo');
    await stat(environment);
    const packages = await sitePackages(environment);
    const images = imagesOf(sandbox);
    await rename(images, `${images}.away`);
    const paths = await walk(environment);
    t.true(paths.length > 20);
    await t.throwsAsync(stat(join(packages, 'no-such-module.py')), { code: 'ENOENT' });
    const record = await readFile(join(packages, 'alpha-1.0.dist-info', 'RECORD'), 'utf8');
    t.regex(record, /^alpha\/table\.bin,sha256=/m);
    const file = join(packages, 'alpha', 'table.bin');
    await t.throwsAsync(readFile(file), { code: 'EIO' });
    await rename(`${images}.away`, images);
    t.is((await readFile(file)).length, 200_000);
  },
);

sealedTest(
  'each later generation is sealed when it is published, until unseal',
  async (t, sandbox) => {
    const wheels = sandbox.path('wheels');
    const count = async () =>
      (await readdir(sandbox.path('home', 'environments', 'demo'))).filter((file) => file.endsWith('.sealed'))
        .length;
    await sandbox.expect('remove', 'demo', 'alpha');
    t.is(await count(), 2);
    await sandbox.expect('rollback', 'demo');
    t.is(await count(), 3);
    await sandbox.expect('rename', 'demo', 'other');
    await sandbox.expect('rename', 'other', 'demo');
    t.is(await count(), 1, 'under another name it is sealed, too, at its current generation');
    await sandbox.expect('remove', 'demo', 'alpha');
    await sandbox.expect('store', 'gc', '--keep', '1');
    t.is(await count(), 1, 'what is removed takes its sealed metadata with it');
    await sandbox.expect('store', 'verify');
    await sandbox.expect('unseal', 'demo');
    await sandbox.expect('install', 'demo', 'alpha', '--no-index', '--find-links', wheels);
    t.is(await count(), 0);
  },
  engines.slice(0, 1),
);

sealedTest(
  'sealed metadata that are damaged are told of, and the images tell',
  async (t, sandbox, mount) => {
    const path = await sealedFile(sandbox);
    await truncate(path, (await stat(path)).size - 1);
    const verified = await sandbox.shenv('store', 'verify');
    t.is(verified.status, 38);
    t.regex(verified.stdout, /shenv-fs seal demo/);
    const environment = join(await mount(), 'demo');
    t.is(await readFile(join(await sitePackages(environment), 'beta.py'), 'utf8'), 'VERSION = "2.0"\n');
    t.regex(await warningsOf(sandbox), /bytes, not/);
    await sandbox.expect('seal', 'demo');
    t.is((await sandbox.shenv('store', 'verify')).status, 0);
  },
  kernelOnly,
);

sealedTest('an image that was replaced is never read by what was sealed of it', async (t, sandbox, mount) => {
  const environment = join(await mount(), 'demo');
  const file = join(await sitePackages(environment), 'alpha', 'table.bin');
  const [image] = JSON.parse(await sandbox.expect('store', 'list', 'alpha', '--json')) as { path: string }[];
  // As a repair that this host has not heard of leaves it: another file, another time.
  const data = await readFile(image!.path);
  await writeFile(`${image!.path}.new`, data);
  await rename(`${image!.path}.new`, image!.path);
  await utimes(image!.path, 1_600_000_000, 1_600_000_000);
  await t.throwsAsync(readFile(file), { code: 'EIO' });
  await noteRenewal(storeLayout(findPlaces(sandbox.variables).store));
  await sandbox.expect('reload');
  t.is((await readFile(file)).length, 200_000);
  t.regex(await warningsOf(sandbox), /was replaced since/);
});

sealedTest(
  'with --poll 0 nothing is looked for, and reload shows what another host changed',
  async (t, sandbox, mount) => {
    const mountpoint = await mount('mnt', '--poll', '0');
    const names = async () => (await readdir(mountpoint)).filter((name) => !name.startsWith('.')).sort();
    t.deepEqual(await names(), ['demo']);
    const runtime = sandbox.variables.SHENV_RUNTIME;
    sandbox.variables.SHENV_RUNTIME = sandbox.path('run of another host');
    await sandbox.expect('clone', 'demo', 'copy');
    await sandbox.expect('remove', 'demo', 'alpha');
    sandbox.variables.SHENV_RUNTIME = runtime;
    t.deepEqual(await names(), ['demo']);
    await sandbox.expect('reload');
    t.deepEqual(await names(), ['copy', 'demo']);
    const packages = await readdir(await sitePackages(join(mountpoint, 'demo')));
    t.false(packages.includes('alpha'));
  },
  kernelOnly,
);

sealedTest(
  'with --poll a mount shows within that time what another host changed',
  async (t, sandbox, mount) => {
    const mountpoint = await mount('mnt', '--poll', '1');
    await stat(join(mountpoint, 'demo', 'bin'));
    sandbox.variables.SHENV_RUNTIME = sandbox.path('run of another host');
    await sandbox.expect('clone', 'demo', 'copy');
    sandbox.variables.SHENV_RUNTIME = sandbox.path('run');
    const isShown = async () => (await readdir(mountpoint)).includes('copy');
    t.true(await eventually(isShown, 'the clone is shown', 5_000));
  },
  kernelOnly,
);

sealedTest(
  'a node mounts from a home and a store that it cannot write, one environment or all',
  async (t, sandbox) => {
    // A mount namespace in which both are read-only, as an export of another host is.
    const script = [
      'set -e',
      'mount --bind "$1" "$1"',
      'mount -o remount,bind,ro "$1"',
      'touch "$1/x" 2>/dev/null && exit 7',
      'export SHENV_RUNTIME="$2/node"',
      'shift; folder="$1"; shift',
      '"$@" mount "$folder/node-all"',
      'cat "$folder"/node-all/demo/lib/python*/site-packages/beta.py',
      '"$@" unmount "$folder/node-all"',
      '"$@" mount --env demo "$folder/node-one"',
      'cat "$folder"/node-one/lib/python*/site-packages/beta.py',
      '"$@" reload',
      '"$@" unmount "$folder/node-one"',
    ].join('\n');
    const { program } = await import('../support/sandbox.js');
    const node = [process.execPath, program];
    const where = [sandbox.path('home'), sandbox.folder];
    const isolated = ['--mount', '--propagation', 'private'];
    const able = await sandbox.run('unshare', [...isolated, 'true']);
    if (able.status !== 0) return skip(t, 'unshare(1) may not make a mount namespace here');
    const found = await sandbox.run('unshare', [...isolated, 'sh', '-c', script, '-', ...where, ...node]);
    t.is(found.status, 0, found.stderr + found.stdout);
    t.is(found.stdout.match(/VERSION = "2\.0"/g)?.length, 2, found.stdout);
    t.deepEqual(await readdir(storeLayout(findPlaces(sandbox.variables).store).leases), []);
  },
  kernelOnly,
);

sealedTest(
  'contents that were read once come from the cache of the node, also after a restart and without the store',
  async (t, sandbox, mount) => {
    const cache = ['--cache', sandbox.path('cache'), '--poll', '0'];
    const mountpoint = await mount('mnt', ...cache);
    const file = join(await sitePackages(join(mountpoint, 'demo')), 'alpha', 'table.bin');
    const expected = await readFile(file);
    await eventually(
      async () => /"images": 1,/.test(await sandbox.expect('status', '--json')),
      'it is copied',
    );
    await sandbox.expect('unmount', mountpoint);
    await mount('mnt', ...cache);
    await readdir(join(mountpoint, 'demo'));
    const images = imagesOf(sandbox);
    await rename(images, `${images}.away`);
    t.deepEqual(await readFile(file), expected);
    await t.throwsAsync(readFile(join(file, '..', '..', 'beta.py')), { code: 'EIO' });
    await rename(`${images}.away`, images);
  },
  kernelOnly,
);

sealedTest(
  'a copy on the node that was damaged while nothing was mounted is not read',
  async (t, sandbox, mount) => {
    const cache = ['--cache', sandbox.path('cache')];
    const mountpoint = await mount('mnt', ...cache);
    const file = join(await sitePackages(join(mountpoint, 'demo')), 'alpha', 'table.bin');
    const expected = await readFile(file);
    await eventually(
      async () => /"images": 1,/.test(await sandbox.expect('status', '--json')),
      'it is copied',
    );
    await sandbox.expect('unmount', mountpoint);
    const pool = sandbox.path('cache', 'v1', 'images');
    const copy = join(pool, (await readdir(pool)).find((name) => name.endsWith('.img'))!);
    const data = await readFile(copy);
    await writeFile(copy, data.fill(0, data.length - 100_000));
    await mount('mnt', ...cache);
    t.deepEqual(await readFile(file), expected);
  },
  kernelOnly,
);
