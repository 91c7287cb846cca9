import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfFile } from '../../src/base/digest.js';
import { anyInterpreter, skip } from '../support/interpreters.js';
import { mountedTest } from '../support/mounts.js';
import { createSample } from '../support/sample-wheels.js';

const siteOf = async (root: string) => {
  const [python = ''] = (await readdir(join(root, 'lib'))).filter((name) => name.startsWith('python'));
  return join(root, 'lib', python, 'site-packages');
};

mountedTest(
  'the attribute user.shenv.origin tells where a file comes from',
  async (t, { sandbox, mountpoint }) => {
    await createSample(sandbox, 'demo');
    const root = join(mountpoint, 'demo');
    const site = await siteOf(root);
    const wheel = await sha256OfFile(sandbox.path('wheels', 'alpha-1.0-py3-none-any.whl'));
    const origin = ['--only-values', '-n', 'user.shenv.origin'];
    const { stdout } = await sandbox.run('getfattr', [...origin, join(site, 'alpha', '__init__.py')]);
    t.is(stdout, `alpha 1.0 sha256:${wheel}`);
    const listed = await sandbox.run('getfattr', ['-d', join(site, 'beta.py')]);
    t.regex(listed.stdout, /user\.shenv\.origin="beta 2\.0 sha256:/);
    for (const path of [join(root, 'pyvenv.cfg'), site, join(site, 'alpha')]) {
      const other = await sandbox.run('getfattr', [...origin, path]);
      t.regex(other.stderr, /No such attribute/, path);
    }
    const unknown = await sandbox.run('getfattr', ['-n', 'user.other', join(site, 'beta.py')]);
    t.regex(unknown.stderr, /No such attribute/);
  },
);

const kibibytes = (text: string) => Number(text.split('\t')[0]);

mountedTest(
  'du counts what an environment itself occupies, and --apparent-size what it shows',
  async (t, { sandbox, mountpoint, engine }) => {
    await createSample(sandbox, 'demo');
    const root = join(mountpoint, 'demo');
    const own = kibibytes((await sandbox.run('du', ['-sk', root])).stdout);
    const shown = kibibytes((await sandbox.run('du', ['-sk', '--apparent-size', root])).stdout);
    t.true(own < 60, `${own} KiB`);
    t.true(shown > 195, `${shown} KiB`);
    const table = join(await siteOf(root), 'alpha', 'table.bin');
    t.is((await stat(table)).size, 200_000);
    t.is((await stat(table)).blocks, 1);
    const full = await sandbox.mount(engine, 'full', '--du', 'full');
    t.true((await stat(join(await siteOf(join(full, 'demo')), 'alpha', 'table.bin'))).blocks >= 390);
  },
);

mountedTest(
  'shared files are one inode in all environments, directories are not',
  async (t, { sandbox, mountpoint, engine }) => {
    if (engine === 'fuse-native') return skip(t, 'libfuse gives inode numbers of its own');
    await createSample(sandbox, 'one');
    await createSample(sandbox, 'two');
    const [one, two] = [await siteOf(join(mountpoint, 'one')), await siteOf(join(mountpoint, 'two'))];
    const inode = async (path: string) => (await stat(path, { bigint: true })).ino;
    t.is(await inode(join(one, 'alpha', 'table.bin')), await inode(join(two, 'alpha', 'table.bin')));
    t.not(await inode(join(one, 'alpha')), await inode(join(two, 'alpha')));
  },
);

mountedTest(
  '.shenv/status.json is JSON at each look and counts',
  async (t, { sandbox, mountpoint, engine }) => {
    await createSample(sandbox, 'demo');
    const read = async () =>
      JSON.parse(await readFile(join(mountpoint, '.shenv', 'status.json'), 'utf8')) as Record<
        string,
        unknown
      >;
    const status = await read();
    t.is(status.engine, engine);
    t.is(status.mountpoint, mountpoint);
    t.is(status.environments, 1);
    await readdir(join(mountpoint, 'demo', 'bin'));
    await sandbox.expect('create', 'other', '--without-pip');
    t.is((await read()).environments, 2);
  },
);

mountedTest(
  '.shenv/packages/<name>/<version> can be imported from through PYTHONPATH',
  async (t, { sandbox, mountpoint }) => {
    await createSample(sandbox, 'demo');
    const packages = join(mountpoint, '.shenv', 'packages');
    t.deepEqual(await readdir(packages), ['alpha', 'beta']);
    t.deepEqual(await readdir(join(packages, 'alpha')), ['1.0']);
    const { baseExecutable } = await anyInterpreter();
    const path = [join(packages, 'alpha', '1.0'), join(packages, 'beta', '2.0')].join(':');
    const code = 'import alpha, beta; print(alpha.__file__, beta.VERSION)';
    const { stdout, stderr } = await sandbox.run('env', [`PYTHONPATH=${path}`, baseExecutable, '-c', code]);
    t.is(stdout, `${packages}/alpha/1.0/alpha/__init__.py 2.0\n`, stderr);
  },
);

mountedTest(
  'a wheel added to the store while mounted appears below .shenv/packages',
  async (t, { sandbox, mountpoint }) => {
    const packages = join(mountpoint, '.shenv', 'packages');
    t.deepEqual(await readdir(packages), []);
    await createSample(sandbox, 'demo');
    t.deepEqual(await readdir(packages), ['alpha', 'beta']);
  },
);
