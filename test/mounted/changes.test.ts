import { spawn } from 'node:child_process';
import { access, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { anyInterpreter, skip } from '../support/interpreters.js';
import { mountedTest } from '../support/mounts.js';
import { createDemo, withModule, writePackages } from '../support/packages.js';
import { must, writeProject, writeValue } from '../support/project.js';
import { writeWheel } from '../support/wheel-builder.js';

const ask = (module: string) => `import ${module}; print(${module}.VERSION)`;

mountedTest(
  'a change is to be seen when the command returns, also of names that were looked up in vain',
  async (t, { sandbox, mountpoint, engine }) => {
    const { source } = await writePackages(sandbox);
    const { minor, executable } = await anyInterpreter();
    const options = ['--python', executable, '--no-bytecode', ...source];
    await sandbox.expect('create', 'demo', 'gamma', ...options);
    await sandbox.expect('create', 'other', '--without-pip', 'beta<2', ...options);
    const python = join(mountpoint, 'demo/bin/python');
    const site = join(mountpoint, `demo/lib/python${minor}/site-packages`);
    const importing = (module: string) => sandbox.run(python, ['-c', ask(module)]);
    const inode = async (path: string) => (await stat(join(site, path), { bigint: true })).ino;
    const paths = ['gamma.py', 'gamma-1.0.dist-info', 'gamma-1.0.dist-info/RECORD', 'pip', '.'];
    const before = await Promise.all(paths.map(inode));
    t.not((await importing('delta')).status, 0);
    await t.throwsAsync(access(join(site, 'delta.py')), { code: 'ENOENT' });

    await sandbox.expect('install', 'demo', 'delta', ...source);
    t.is((await importing('delta')).stdout, '1.0\n');
    t.true((await readdir(site)).includes('delta-1.0.dist-info'));
    if (engine === 'kernel') t.deepEqual(await Promise.all(paths.map(inode)), before);
    const list = ['-m', 'pip', 'list', '--format', 'freeze', '--disable-pip-version-check'];
    const listed = (await must(sandbox, python, ...list)).trim().split('\n');
    t.deepEqual(
      listed.filter((line) => !line.startsWith('pip==')),
      ['beta==1.0', 'delta==1.0', 'gamma==1.0'],
    );

    const record = () => readFile(join(site, 'beta-1.0.dist-info/RECORD'), 'utf8');
    t.notRegex(await record(), /REQUESTED/);
    await sandbox.expect('install', 'demo', 'beta', ...source);
    t.regex(await record(), /REQUESTED/, 'a dependency that was asked for now');
    await sandbox.expect('install', 'demo', 'beta>=2', ...source);
    t.is((await importing('beta')).stdout, '2.0\n');
    await t.throwsAsync(access(join(site, 'beta-1.0.dist-info')), { code: 'ENOENT' });
    await sandbox.expect('remove', 'demo', 'delta');
    t.regex((await importing('delta')).stderr, /No module named 'delta'/);
    const other = join(mountpoint, 'other/bin/python');
    t.is(await must(sandbox, other, '-c', ask('beta')), '1.0\n', 'the other environment is as it was');
  },
);

mountedTest(
  'a process goes on with what it has open and mapped of a distribution that is removed',
  async (t, { sandbox, mountpoint, engine }) => {
    if (engine === 'fuse-native') return skip(t, 'libfuse finds open files by their paths');
    const { minor, baseExecutable } = await anyInterpreter();
    const { source, folder } = await writePackages(sandbox);
    await writeWheel(
      folder,
      withModule({ name: 'data', version: '1.0', files: { 'data.bin': Buffer.alloc(300_000, 'shenv-fs') } }),
    );
    await createDemo(sandbox, '--python', baseExecutable, 'data', ...source);
    const path = join(mountpoint, `demo/lib/python${minor}/site-packages/data.bin`);
    const code = [
      'import mmap, sys',
      'file = open(sys.argv[1], "rb")',
      'mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)',
      'print(mapped[:8] == b"shenv-fs", flush=True)',
      'sys.stdin.readline()',
      'file.seek(200_000)',
      'print(file.read(8) == b"shenv-fs", mapped[280_000:280_008] == b"shenv-fs", flush=True)',
    ].join('\n');
    const child = spawn(baseExecutable, ['-c', code, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    t.teardown(async () => {
      child.kill();
      await ended;
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    t.is((await lines.next()).value, 'True');
    const file = await open(path);
    t.teardown(() => file.close());
    await sandbox.expect('remove', 'demo', 'data');
    await t.throwsAsync(access(path), { code: 'ENOENT' });
    child.stdin.end('go on\n');
    t.is((await lines.next()).value, 'True True');
    t.is(await ended, 0);
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 160_000);
    t.is(buffer.toString(), 'shenv-fs');
  },
);

mountedTest(
  'an editable project is imported from its folder: an edit counts at once, and pip tells the folder',
  async (t, { sandbox, mountpoint }) => {
    const project = await writeProject(sandbox);
    await sandbox.expect('create', 'demo', '--python', (await anyInterpreter()).executable);
    await sandbox.expect('install', 'demo', '-e', './project', '--no-index');
    const bin = join(mountpoint, 'demo/bin');
    t.is(await must(sandbox, join(bin, 'proj-run')), 'one\n');
    await writeValue(project, 'another');
    t.is(await must(sandbox, join(bin, 'proj-run')), 'another\n');
    t.is(await must(sandbox, join(bin, 'proj-tool')), `another ${join(mountpoint, 'demo')}\n`);
    const list = ['-m', 'pip', 'list', '--format', 'json', '--disable-pip-version-check'];
    const listed = JSON.parse(await must(sandbox, join(bin, 'python'), ...list)) as Record<string, string>[];
    t.is(listed.find(({ name }) => name === 'proj')?.editable_project_location, project);
    const check = await sandbox.run(join(bin, 'python'), ['-m', 'pip', 'check']);
    t.is(check.status, 0, check.stdout);
  },
);
