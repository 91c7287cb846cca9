import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { skip } from '../support/interpreters.js';
import { writePackages } from '../support/packages.js';
import { projectRoot } from '../support/sandbox.js';
import { isOnPath, sharedMount } from '../support/shared-mount.js';
import { WritableTwins } from '../support/writable-twins.js';

const saves = join(projectRoot, 'test/writable/saves.py');

const mountedCase = sharedMount(async (shared) => {
  const { folder } = await writePackages(shared.sandbox);
  await mkdir(shared.sandbox.path('plain'));
  const requirements = ['alpha==1.0', 'beta'];
  return { twins: await WritableTwins.make(shared, { name: 'demo', wheels: folder, requirements }) };
});

for (const way of ['vim-rename', 'vim-copy', 'in-place', 'atomic'])
  mountedCase(
    `a module of the store that is edited (${way}) is what Python imports next`,
    async (t, { twins }) => {
      const find = 'import alpha; print(alpha.__file__)';
      const { mounted } = await twins.both('{}/bin/python', '-c', find);
      const module = mounted.trim().replace('<env>', '{}');
      await twins.both('{}/bin/python', '-I', saves, way, module, `VERSION = "${way}"\n`);
      t.is(
        (await twins.both('{}/bin/python', '-c', 'import alpha; print(alpha.VERSION)')).mounted,
        `${way}\n`,
      );
      await twins.areEqual(t);
    },
  );

for (const backupcopy of ['no', 'yes', 'auto'])
  mountedCase(`vim saves with backupcopy=${backupcopy}`, async (t, { twins }) => {
    if (!isOnPath('vim')) return skip(t, 'there is no vim here');
    const options = [
      '-es',
      '-u',
      'NONE',
      '-i',
      'NONE',
      '-N',
      '-c',
      `set backupcopy=${backupcopy} writebackup fsync`,
    ];
    const edit = ['-c', `%s/^home/home /e | $put ='edited = ${backupcopy}'`, '-c', 'wq', '{}/pyvenv.cfg'];
    await twins.both('vim', ...options, ...edit);
    t.regex(await readFile(join(twins.mounted, 'pyvenv.cfg'), 'utf8'), new RegExp(`edited = ${backupcopy}`));
    await twins.areEqual(t);
  });

mountedCase('git clones, tells its status, commits and packs inside an environment', async (t, shared) => {
  const { twins, sandbox } = shared;
  if (!isOnPath('git')) return skip(t, 'there is no git here');
  const source = sandbox.path('source');
  const identity = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', '-c', 'init.defaultBranch=main'];
  const git = (...args: string[]) => sandbox.run('git', [...identity, ...args]);
  await git('init', '-q', source);
  await sandbox.run('sh', [
    '-c',
    `cd ${source} && for i in 1 2 3; do mkdir d$i && echo $i > d$i/f && ln -s f d$i/l; done`,
  ]);
  await git('-C', source, 'add', '.');
  t.is((await git('-C', source, 'commit', '-q', '-m', 'first')).status, 0);
  const both = (...args: string[]) => twins.both('git', ...identity, ...args);
  await both('clone', '-q', source, '{}/src/cloned');
  t.is((await both('-C', '{}/src/cloned', 'status', '--porcelain')).mounted, '');
  await both('-C', '{}/src/cloned', 'mv', 'd1', 'moved');
  await both('-C', '{}/src/cloned', 'commit', '-q', '-m', 'second');
  await both('-C', '{}/src/cloned', 'gc', '-q');
  const seen = await both('-C', '{}/src/cloned', 'ls-files');
  t.is(seen.mounted, seen.plain);
  t.is((await both('-C', '{}/src/cloned', 'status', '--porcelain')).mounted, '');
  t.regex((await both('-C', '{}/src/cloned', 'fsck', '--no-progress')).mounted, /^$/);
});

mountedCase(
  'mkdir, mv and rm -r in the root of the mount make, rename and remove environments',
  async (t, shared) => {
    const { sandbox, mountpoint } = shared;
    const twins = await WritableTwins.none(shared, 'fresh');
    await twins.both('mkdir', '{}');
    await twins.both('sh', '-c', 'mkdir -p {}/a/b && echo text > {}/a/b/c && ln -s b {}/a/link');
    await twins.areEqual(t);
    await twins.both('mv', '{}', '{}-moved');
    t.false((await readdir(mountpoint)).includes('fresh'));
    t.is((await twins.both('cat', '{}-moved/a/link/c')).mounted, 'text\n');
    t.regex(await sandbox.expect('list'), /fresh-moved/);
    await twins.both('rm', '-r', '{}-moved');
    t.false((await readdir(mountpoint)).includes('fresh-moved'));
    t.notRegex(await sandbox.expect('list'), /fresh/);
  },
);
