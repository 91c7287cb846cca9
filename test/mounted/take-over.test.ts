import { cp, mkdir, open, readdir, readFile, realpath, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { askDaemon } from '../../src/mount/runtime.js';
import { eventually, sandboxOf } from '../support/mounts.js';
import { createDemo, withModule, writePackages } from '../support/packages.js';
import { createSample } from '../support/sample-wheels.js';
import { program, projectRoot, type Sandbox } from '../support/sandbox.js';
import { isLive, kill, recordOf, serverOf, siteOf, statusOf } from '../support/supervised.js';
import { supervisedTest } from '../support/supervised-test.js';
import { writeWheel } from '../support/wheel-builder.js';

/** What `change` does while nobody serves the mount; a server comes back as soon as `isPublished`. */
async function whileDead<T>(
  sandbox: Sandbox,
  change: () => Promise<T>,
  isPublished: () => Promise<boolean>,
): Promise<T> {
  const { supervisor } = await recordOf(sandbox);
  const server = await serverOf(supervisor!.pid);
  kill(supervisor!.pid, 'SIGSTOP');
  try {
    kill(server!);
    await eventually(async () => !(await isLive(server!)), 'the server is dead');
    const changing = change();
    changing.catch(() => undefined);
    await eventually(isPublished, 'the change is published', 60_000);
    kill(supervisor!.pid, 'SIGCONT');
    return await changing;
  } finally {
    kill(supervisor!.pid, 'SIGCONT');
  }
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

supervisedTest(
  'what was published while nobody served is seen afterwards, and nothing of before',
  async (t, sandbox, mountpoint) => {
    const { source } = await writePackages(sandbox);
    await createDemo(sandbox, 'alpha==1.0', ...source);
    const site = await siteOf(mountpoint);
    const alpha = join(site, 'alpha.py');
    t.regex(await readFile(alpha, 'utf8'), /1\.0/);
    t.false(await exists(join(site, 'delta.py')));
    t.true((await readdir(site)).includes('alpha-1.0.dist-info'));
    const held = await open(alpha);
    t.teardown(() => held.close());
    await whileDead(
      sandbox,
      () => sandbox.expect('install', 'demo', 'alpha>=2', 'delta', ...source),
      () => exists(sandbox.path('home', 'environments', 'demo', '00000002.manifest')),
    );
    t.regex(await readFile(alpha, 'utf8'), /2\.0/);
    t.true(await exists(join(site, 'delta.py')));
    t.false(await exists(join(site, 'alpha-1.0.dist-info', 'METADATA')));
    const names = await readdir(site);
    t.true(names.includes('alpha-2.0.dist-info') && names.includes('delta.py'));
    t.false(names.includes('alpha-1.0.dist-info'));
    t.regex((await held.readFile()).toString(), /1\.0/, 'an open file outlives its generation');
  },
);

supervisedTest('environments that came and went while nobody served', async (t, sandbox, mountpoint) => {
  await sandbox.expect('create', 'old', '--without-pip');
  t.true(await exists(join(mountpoint, 'old', 'bin')));
  t.false(await exists(join(mountpoint, 'new')));
  await whileDead(
    sandbox,
    async () => {
      const created = sandbox.expect('create', 'new', '--without-pip');
      await sandbox.expect('delete', 'old');
      await created;
    },
    async () =>
      (await exists(sandbox.path('home', 'environments', 'new', '00000001.manifest'))) &&
      !(await exists(sandbox.path('home', 'environments', 'old'))),
  );
  t.deepEqual((await readdir(mountpoint)).sort(), ['.shenv', 'new']);
  t.false(await exists(join(mountpoint, 'old')));
  t.true(await exists(join(mountpoint, 'new', 'bin')));
});

supervisedTest(
  'files of a deleted environment that are open stay readable over deaths and a collection',
  async (t, sandbox, mountpoint) => {
    await createSample(sandbox, 'demo');
    const file = await open(join(await siteOf(mountpoint), 'alpha', 'table.bin'));
    t.teardown(() => file.close());
    await sandbox.expect('delete', 'demo');
    await whileDead(
      sandbox,
      () => sandbox.expect('store', 'gc', '--older-than', '0'),
      async () => true,
    );
    const content = await file.readFile();
    t.true(content.equals(Buffer.alloc(200_000, 'shenv-fs')));
    await sandbox.expect('store', 'gc', '--older-than', '0');
    t.true(
      await exists(sandbox.path('home', 'store', 'v1', 'images', 'alpha')),
      'the mount has shown it today',
    );
  },
);

supervisedTest(
  'a change after a death is seen, too, and what was replaced before stays replaced',
  async (t, sandbox, mountpoint) => {
    const { source, folder } = await writePackages(sandbox);
    await createDemo(sandbox, 'alpha==1.0', ...source);
    const alpha = join(await siteOf(mountpoint), 'alpha.py');
    t.regex(await readFile(alpha, 'utf8'), /1\.0/);
    kill((await statusOf(sandbox)).pid);
    await sandbox.expect('install', 'demo', 'alpha>=2', ...source);
    t.regex(await readFile(alpha, 'utf8'), /2\.0/);
    kill((await statusOf(sandbox)).pid);
    t.regex(await readFile(alpha, 'utf8'), /2\.0/);
    await writeWheel(folder, withModule({ name: 'alpha', version: '3.0' }));
    await sandbox.expect('upgrade', 'demo', ...source);
    t.regex(await readFile(alpha, 'utf8'), /3\.0/);
  },
);

/** The program as another installation of it has it. */
async function installElsewhere(sandbox: Sandbox): Promise<string> {
  const folder = sandbox.path('newer');
  await mkdir(join(folder, 'build'), { recursive: true });
  await cp(join(projectRoot, 'build', 'program'), join(folder, 'build', 'program'), { recursive: true });
  for (const name of ['package.json', 'native', 'src', 'node_modules']) {
    await symlink(join(projectRoot, name), join(folder, name));
  }
  return join(folder, 'build', 'program', 'cli', 'main.cjs');
}

supervisedTest('restart lets the program that asks for it serve in place', async (t, sandbox, mountpoint) => {
  await createSample(sandbox, 'demo');
  const before = await statusOf(sandbox);
  const held = await open(join(await siteOf(mountpoint), 'alpha', 'table.bin'));
  t.teardown(() => held.close());
  const newer = await installElsewhere(sandbox);
  const { status, stderr } = await sandbox.run(process.execPath, [newer, 'restart', mountpoint]);
  t.is(status, 0, stderr);
  const after = await statusOf(sandbox);
  t.not(after.pid, before.pid);
  t.like(after.supervision, { pid: before.supervision!.pid, deaths: 0 });
  t.is(after.supervision!.lastEnd!.how, 'hand-over');
  const command = (await readFile(`/proc/${after.pid}/cmdline`, 'latin1')).split('\0');
  t.is(await realpath(command[1]!), newer);
  t.true((await held.readFile()).equals(Buffer.alloc(200_000, 'shenv-fs')));
  t.true(await exists(join(mountpoint, 'demo', 'bin', 'alpha')));
});

supervisedTest('a program that cannot serve does not end the mount', async (t, sandbox, mountpoint) => {
  const { supervisor } = await recordOf(sandbox);
  const newer = await installElsewhere(sandbox);
  await writeFile(newer, 'process.exit(3);\n');
  const request = { operation: 'restart', command: [process.execPath, newer] } as const;
  await askDaemon(sandbox.path('run'), mountpoint, request);
  await eventually(
    async () => (await statusOf(sandbox)).supervision!.deaths === 1,
    'the program before is back',
  );
  const command = (await readFile(`/proc/${await serverOf(supervisor!.pid)}/cmdline`, 'latin1')).split('\0');
  t.is(command[1], program);
  const relative = await t.throwsAsync(
    askDaemon(sandbox.path('run'), mountpoint, { operation: 'restart', command: ['node'] }),
  );
  t.is((relative as { code?: string }).code, 'TARGET_UNUSABLE');
});

test.serial('kernel: in the foreground the command becomes the supervisor', async (t) => {
  const sandbox = await sandboxOf(t);
  const mountpoint = sandbox.path('mnt');
  t.teardown(() => sandbox.shenv('unmount', mountpoint, '--lazy'));
  const running = sandbox.shenv('mount', mountpoint, '--engine', 'kernel', '--foreground');
  const record = await eventually(() => recordOf(sandbox).catch(() => undefined), 'a daemon has a record');
  const name = await readFile(`/proc/${record.supervisor!.pid}/comm`, 'utf8');
  t.true('shenv-fs-supervisor'.startsWith(name.trim()), name);
  kill(record.pid);
  t.not((await statusOf(sandbox)).pid, record.pid);
  kill(record.supervisor!.pid, 'SIGINT');
  t.is((await running).status, 0);
  t.false(await isLive(record.pid));
});
