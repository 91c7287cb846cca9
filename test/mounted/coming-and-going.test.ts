import { readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../src/base/errors.js';
import { eventually, mountedTest } from '../support/mounts.js';
import { createSample } from '../support/sample-wheels.js';

const gone = (path: string) =>
  stat(path).then(
    () => false,
    (error: unknown) => systemErrorCode(error) === 'ENOENT',
  );

mountedTest(
  'an environment is there when `create` returns, and gone when `delete` returns',
  async (t, { sandbox, mountpoint }) => {
    const root = join(mountpoint, 'demo');
    t.true(await gone(root));
    await createSample(sandbox, 'demo');
    t.true((await stat(root)).isDirectory());
    t.deepEqual((await readdir(mountpoint)).sort(), ['.shenv', 'demo']);
    const { stdout, stderr } = await sandbox.run(join(root, 'bin', 'python'), [
      '-c',
      'import alpha; print(alpha.VERSION)',
    ]);
    t.is(stdout, '1.0\n', stderr);
    await sandbox.expect('delete', 'demo');
    t.true(await gone(root));
    t.deepEqual(await readdir(mountpoint), ['.shenv']);
  },
);

mountedTest(
  'a name that is deleted and created again shows the new environment',
  async (t, { sandbox, mountpoint }) => {
    const config = join(mountpoint, 'demo', 'pyvenv.cfg');
    await sandbox.expect('create', 'demo', '--without-pip');
    t.regex(await readFile(config, 'utf8'), /include-system-site-packages = false/);
    await sandbox.expect('delete', 'demo');
    await sandbox.expect('create', 'demo', '--without-pip', '--system-site-packages');
    t.regex(await readFile(config, 'utf8'), /include-system-site-packages = true/);
  },
);

mountedTest(
  'environments that come and go without a command are seen',
  async (t, { sandbox, mountpoint }) => {
    await sandbox.expect('create', 'one', '--without-pip');
    const folder = sandbox.path('home', 'environments');
    await rename(join(folder, 'one'), sandbox.path('moved'));
    await eventually(() => gone(join(mountpoint, 'one')), 'the environment that was moved away is gone');
    await rename(sandbox.path('moved'), join(folder, 'one'));
    await eventually(async () => !(await gone(join(mountpoint, 'one'))), 'the environment is back');
    t.pass();
  },
);

mountedTest(
  'a process that runs keeps working while its environment is deleted or others come',
  async (t, { sandbox, mountpoint }) => {
    await createSample(sandbox, 'demo');
    const file = join(mountpoint, 'demo', 'lib');
    t.true((await readdir(file)).length > 0);
    await sandbox.expect('create', 'other', '--without-pip');
    const { stdout } = await sandbox.run(join(mountpoint, 'demo', 'bin', 'alpha'), ['still']);
    t.is(stdout, 'alpha runs still\n');
  },
);

mountedTest(
  'a damaged environment is named in status and the others are shown',
  async (t, { sandbox, mountpoint }) => {
    await sandbox.expect('create', 'good', '--without-pip');
    await sandbox.expect('create', 'bad', '--without-pip');
    const folder = sandbox.path('home', 'environments');
    await sandbox.run('sh', ['-c', 'printf damaged > "$1"', '-', join(folder, 'bad', '00000001.manifest')]);
    await sandbox.expect('create', 'more', '--without-pip');
    t.true((await stat(join(mountpoint, 'good', 'bin', 'activate'))).isFile());
    t.true((await stat(join(mountpoint, 'more'))).isDirectory());
    const [status] = JSON.parse(await sandbox.expect('status', '--json')) as {
      failures: Record<string, string>;
    }[];
    t.true(
      Object.keys(status!.failures).some((name) => name.includes('bad')),
      JSON.stringify(status!.failures),
    );
  },
);

mountedTest(
  'two mounts of one home show the same, each change in both',
  async (t, { sandbox, mountpoint, engine }) => {
    const second = await sandbox.mount(engine, 'second');
    await createSample(sandbox, 'demo');
    for (const place of [mountpoint, second]) {
      const { stdout, stderr } = await sandbox.run(join(place, 'demo', 'bin', 'alpha-tool'), []);
      t.is(stdout, `${place}/demo\n`, stderr);
    }
    t.is((JSON.parse(await sandbox.expect('status', '--json')) as unknown[]).length, 2);
    await sandbox.expect('delete', 'demo');
    for (const place of [mountpoint, second]) t.true(await gone(join(place, 'demo')));
    await sandbox.expect('unmount', second);
    t.deepEqual(await readdir(mountpoint), ['.shenv']);
  },
);
