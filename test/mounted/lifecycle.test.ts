import { spawn } from 'node:child_process';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { isMounted } from '../../src/mount/mountpoint.js';
import { engines, eventually, mountedTest, mountOrSkip, sandboxOf } from '../support/mounts.js';
import type { Sandbox } from '../support/sandbox.js';
import { killDaemon } from '../support/supervised.js';

interface Status {
  pid: number;
  engine: string;
  mountpoint: string;
  dead?: boolean;
}

const statusOf = async (sandbox: Sandbox) => JSON.parse(await sandbox.expect('status', '--json')) as Status[];

mountedTest(
  'status tells engine, place and process, and ends with the mount',
  async (t, { sandbox, mountpoint, engine }) => {
    const [status, ...more] = await statusOf(sandbox);
    t.deepEqual(more, []);
    t.is(status!.engine, engine);
    t.is(status!.mountpoint, mountpoint);
    t.notThrows(() => process.kill(status!.pid, 0));
    t.true((await sandbox.expect('status', mountpoint)).includes(`engine ${engine}`));
    await sandbox.expect('unmount', mountpoint);
    t.false(await isMounted(mountpoint));
    t.deepEqual(await statusOf(sandbox), []);
    await eventually(async () => !isRunning(status!.pid), 'the daemon has ended');
    const again = await sandbox.shenv('unmount', mountpoint);
    t.is(again.status, 53, again.stderr);
    const none = await sandbox.shenv('status', mountpoint);
    t.is(none.status, 53, none.stderr);
  },
);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

mountedTest(
  'after the daemon was killed, mount at the same place works again',
  async (t, { sandbox, mountpoint, engine }) => {
    await sandbox.expect('create', 'demo', '--without-pip');
    const [before] = await statusOf(sandbox);
    await killDaemon(sandbox);
    t.true((await statusOf(sandbox))[0]!.dead);
    await sandbox.mount(engine);
    t.true((await stat(join(mountpoint, 'demo', 'bin'))).isDirectory());
    const [after] = await statusOf(sandbox);
    t.not(after!.pid, before!.pid);
  },
);

mountedTest(
  'unmount takes away the mount of a daemon that was killed',
  async (t, { sandbox, mountpoint }) => {
    await killDaemon(sandbox);
    await sandbox.expect('unmount', mountpoint);
    t.false(await isMounted(mountpoint));
    t.deepEqual(await statusOf(sandbox), []);
  },
);

mountedTest('a daemon that gets SIGTERM takes its mount away', async (t, { sandbox, mountpoint }) => {
  const [status] = await statusOf(sandbox);
  process.kill(status!.pid, 'SIGTERM');
  await eventually(async () => !(await isMounted(mountpoint)), 'the mount is gone');
  await eventually(async () => !isRunning(status!.pid), 'the daemon has ended');
  t.deepEqual(await statusOf(sandbox), []);
});

mountedTest(
  'unmount names who holds the mount, and --lazy detaches it all the same',
  async (t, { sandbox, mountpoint }) => {
    await sandbox.expect('create', 'demo', '--without-pip');
    const holder = spawn('cat', { cwd: join(mountpoint, 'demo'), stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = new Promise((resolve) => holder.once('close', resolve));
    t.teardown(async () => {
      holder.kill();
      await ended;
    });
    await new Promise((resolve) => holder.once('spawn', resolve));
    const started = performance.now();
    const busy = await sandbox.shenv('unmount', mountpoint, '--wait', '1');
    t.true(performance.now() - started >= 1000, 'it waited for the holder');
    t.is(busy.status, 54, busy.stderr);
    t.true(busy.stderr.includes('[MOUNT_BUSY]') && busy.stderr.includes(`cat (${holder.pid})`), busy.stderr);
    t.true((await stat(join(mountpoint, 'demo'))).isDirectory());
    const never = await sandbox.shenv('unmount', mountpoint, '--wait', 'long');
    t.is(never.status, 2, never.stderr);
    await sandbox.expect('unmount', mountpoint, '--lazy');
    t.false(await isMounted(mountpoint));
    t.deepEqual(await readdir(mountpoint), []);
    await sandbox.mount((await statusOf(sandbox))[0]?.engine ?? 'auto');
    t.true((await stat(join(mountpoint, 'demo'))).isDirectory());
  },
);

mountedTest('unmount waits for a process that is about to leave', async (t, { sandbox, mountpoint }) => {
  await sandbox.expect('create', 'demo', '--without-pip');
  const holder = spawn('cat', { cwd: join(mountpoint, 'demo'), stdio: ['pipe', 'ignore', 'ignore'] });
  const ended = new Promise((resolve) => holder.once('close', resolve));
  t.teardown(() => holder.kill());
  await new Promise((resolve) => holder.once('spawn', resolve));
  const unmounting = sandbox.expect('unmount', mountpoint, '--wait', '60');
  holder.stdin.end();
  await unmounting;
  await ended;
  t.false(await isMounted(mountpoint));
});

mountedTest(
  'a place that is mounted already is refused and stays mounted',
  async (t, { sandbox, mountpoint, engine }) => {
    const second = await sandbox.shenv('mount', mountpoint, '--engine', engine);
    t.is(second.status, 51, second.stderr);
    t.true(second.stderr.includes('mounted already'));
    t.deepEqual(await readdir(mountpoint), ['.shenv']);
    t.is((await statusOf(sandbox)).length, 1);
  },
);

for (const engine of engines) {
  test.serial(
    `${engine}: a mount point that is not empty, or no folder, is refused and stays as it is`,
    async (t) => {
      const sandbox = await sandboxOf(t);
      await mkdir(sandbox.path('full'));
      await writeFile(sandbox.path('full', 'keep'), 'x');
      const full = await sandbox.shenv('mount', sandbox.path('full'), '--engine', engine);
      t.is(full.status, 51, full.stderr);
      t.regex(full.stderr, /is not empty.*\[MOUNTPOINT_UNUSABLE\]\n {2}-> .+\n$/);
      t.deepEqual(await readdir(sandbox.path('full')), ['keep']);
      const file = await sandbox.shenv('mount', sandbox.path('full', 'keep'), '--engine', engine);
      t.is(file.status, 51, file.stderr);
      t.regex(file.stderr, /keep.*\[MOUNTPOINT_UNUSABLE\]/);
    },
  );

  test.serial(`${engine}: asked for by name, it is what mounts, or nothing does`, async (t) => {
    const sandbox = await sandboxOf(t);
    const mountpoint = sandbox.path('mnt');
    t.teardown(() => sandbox.shenv('unmount', mountpoint, '--lazy'));
    const { status, stderr } = await sandbox.shenv('mount', mountpoint, '--engine', engine);
    if (status === 0) t.is((await statusOf(sandbox))[0]!.engine, engine);
    else {
      t.is(status, 50, stderr);
      t.false(await isMounted(mountpoint));
      t.deepEqual(await statusOf(sandbox), []);
    }
  });

  test.serial(
    `${engine}: --foreground stays until it is interrupted, then takes the mount away`,
    async (t) => {
      const sandbox = await sandboxOf(t);
      const mountpoint = await mountOrSkip(t, sandbox, engine);
      if (!mountpoint) return;
      await sandbox.expect('unmount', mountpoint);
      const running = sandbox.shenv('mount', mountpoint, '--engine', engine, '--foreground');
      const pid = await eventually(async () => (await statusOf(sandbox))[0]?.pid, 'the daemon has a record');
      await eventually(() => isMounted(mountpoint), 'the mount is there');
      process.kill(pid, 'SIGINT');
      t.is((await running).status, 0);
      t.false(await isMounted(mountpoint));
    },
  );
}

test.serial('an engine that does not exist is a wrong use of the command', async (t) => {
  const sandbox = await sandboxOf(t);
  const { status } = await sandbox.shenv('mount', sandbox.path('mnt'), '--engine', 'warp');
  t.is(status, 2);
});
