import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { anyInterpreter } from '../support/interpreters.js';
import { mountedTest } from '../support/mounts.js';
import { createSample } from '../support/sample-wheels.js';

mountedTest(
  'gc leaves what a mount has shown until it ends: open files stay good',
  async (t, { sandbox, mountpoint, engine }) => {
    const { minor, executable } = await anyInterpreter();
    await createSample(sandbox, 'demo', '--python', executable);
    const table = join(mountpoint, `demo/lib/python${minor}/site-packages/alpha/table.bin`);
    const expected = await readFile(table);
    const file = await open(table);
    const collect = async () =>
      JSON.parse(await sandbox.expect('store', 'gc', '--older-than', '0', '--json')) as {
        removed: unknown[];
        shown: unknown[];
      };
    try {
      await sandbox.expect('delete', 'demo');
      const { removed, shown } = await collect();
      t.deepEqual([removed.length, shown.length], [0, 2]);
      // libfuse finds open files by their paths.
      if (engine === 'kernel') t.deepEqual(await file.readFile(), expected);
    } finally {
      await file.close();
    }
    await sandbox.expect('unmount', mountpoint);
    t.is((await collect()).removed.length, 2);
    t.deepEqual(await readdir(sandbox.path('home/store/v1/images')), []);
    t.deepEqual(await readdir(sandbox.path('home/store/v1/leases')), []);
  },
);

mountedTest('what gc removes is gone from .shenv too', async (t, { sandbox, mountpoint }) => {
  await createSample(sandbox, 'demo');
  const packages = join(mountpoint, '.shenv/packages');
  t.deepEqual(await readdir(packages), ['alpha', 'beta']);
  await sandbox.expect('remove', 'demo', 'alpha');
  await sandbox.expect('store', 'gc', '--older-than', '0', '--keep', '1');
  t.deepEqual(await readdir(packages), ['beta']);
  t.deepEqual(await readdir(join(mountpoint, 'demo/bin')).then((names) => names.includes('alpha')), false);
});
