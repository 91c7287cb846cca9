import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DamagedImage } from '../support/image-damage.js';
import { mountedTest } from '../support/mounts.js';
import { createSample } from '../support/sample-wheels.js';
import type { Sandbox } from '../support/sandbox.js';

async function imageOf(sandbox: Sandbox, name: string): Promise<string> {
  const found = JSON.parse(await sandbox.expect('store', 'list', name, '--json')) as { path: string }[];
  return found[0]!.path;
}

async function sitePackages(mountpoint: string): Promise<string> {
  const lib = join(mountpoint, 'demo', 'lib');
  return join(lib, (await readdir(lib))[0]!, 'site-packages');
}

async function damage(path: string, apply: (image: DamagedImage) => void): Promise<void> {
  const image = new DamagedImage(await readFile(path));
  apply(image);
  await writeFile(path, image.data);
}

mountedTest(
  'after a repair a mount shows the right bytes under the same inode number, without a remount',
  async (t, { sandbox, mountpoint }) => {
    await createSample(sandbox, 'demo');
    const path = await imageOf(sandbox, 'alpha');
    await damage(path, (image) => {
      const at = Number(image.data.readBigUInt64LE(image.node(image.find('table.bin'), 'contentOffset')));
      image.data.write('DAMAGED', at);
    });
    const file = join(await sitePackages(mountpoint), 'alpha', 'table.bin');
    const before = await stat(file);
    t.is((await readFile(file)).subarray(0, 8).toString(), 'DAMAGEDs');
    await sandbox.expect('store', 'repair', '--no-index', '--find-links', sandbox.path('wheels'));
    t.true((await readFile(file)).equals(Buffer.alloc(200_000, 'shenv-fs')));
    t.is((await stat(file)).ino, before.ino);
  },
);

mountedTest(
  'an image whose metadata are damaged affects the environments that show it, and repair brings them back',
  async (t, { sandbox, mountpoint }) => {
    await createSample(sandbox, 'demo');
    await sandbox.expect('create', 'other', '--without-pip');
    const path = await imageOf(sandbox, 'beta');
    await damage(path, (image) => image.data.writeUInt8(255, image.offset('nodes')));
    t.true((await stat(join(mountpoint, 'other', 'bin', 'activate'))).isFile());
    const error = await t.throwsAsync(readdir(join(mountpoint, 'demo', 'lib')));
    t.is((error as NodeJS.ErrnoException).code, 'EIO');
    t.regex(await sandbox.expect('status', '--json'), /section 'nodes' does not match/);
    await sandbox.expect('store', 'repair', '--no-index', '--find-links', sandbox.path('wheels'));
    t.is(await readFile(join(await sitePackages(mountpoint), 'beta.py'), 'utf8'), 'VERSION = "2.0"\n');
    t.notRegex(await sandbox.expect('status', '--json'), /section 'nodes'/);
  },
);

mountedTest(
  'an image that lost its header comes back with another number, and a mount follows',
  async (t, { sandbox, mountpoint, engine }) => {
    await createSample(sandbox, 'demo');
    const path = await imageOf(sandbox, 'beta');
    const file = join(await sitePackages(mountpoint), 'beta.py');
    const before = await stat(file);
    await writeFile(path, Buffer.alloc(4096));
    await sandbox.expect('store', 'repair', '--no-index', '--find-links', sandbox.path('wheels'));
    t.is(await readFile(file, 'utf8'), 'VERSION = "2.0"\n');
    // The other engine leaves numbers to libfuse.
    if (engine === 'kernel') t.not((await stat(file)).ino, before.ino);
  },
);
