import { readdir, readFile, stat, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { processesOf } from '../endurance/watch-processes.js';
import { diagnose } from '../support/broken-system.js';
import { parseExposition } from '../support/exposition.js';
import { eventually, type Mounted, mountedTest, mountOrSkip, sandboxOf } from '../support/mounts.js';
import type { Sandbox } from '../support/sandbox.js';

interface Entry {
  time: string;
  level: string;
  event: string;
  message: string;
  [field: string]: unknown;
}

async function logOf({ sandbox, mountpoint }: Mounted, ...options: string[]): Promise<Entry[]> {
  const text = await sandbox.expect('log', mountpoint, '--json', ...options);
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry);
}

/** The processes that serve it, those that watch over others first. */
async function pidsOf(sandbox: Sandbox, mountpoint: string): Promise<number[]> {
  const [status] = JSON.parse(await sandbox.expect('status', mountpoint, '--json')) as unknown[];
  return processesOf(status)
    .sort((a, b) => b.name.length - a.name.length)
    .map(({ pid }) => pid);
}

/** For what no engine has a part in. */
function kernelTest(title: string, body: (t: ExecutionContext, mounted: Mounted) => Promise<void>): void {
  test.serial(title, async (t) => {
    const sandbox = await sandboxOf(t);
    const mountpoint = await mountOrSkip(t, sandbox, 'kernel');
    if (mountpoint) await body(t, { sandbox, mountpoint, engine: 'kernel' });
  });
}

mountedTest('the log tells the life of a mount, from its start to its end', async (t, mounted) => {
  const { sandbox, mountpoint, engine } = mounted;
  await sandbox.expect('create', 'demo', '--without-pip');
  await readdir(join(mountpoint, 'demo', 'bin'));
  await sandbox.expect('clone', 'demo', 'other');
  await sandbox.expect('unmount', mountpoint);
  const entries = await eventually(async () => {
    const found = await logOf(mounted);
    return found.at(-1)?.event === 'end' && found;
  }, 'the daemon has ended');
  const events = entries.map(({ event }) => event);
  const expected = ['start', 'mounted', 'environment-composed', 'reload', 'unmount', 'end'];
  t.deepEqual(
    expected.filter((event) => !events.includes(event)),
    [],
    events.join(' '),
  );
  for (const { time, level, message } of entries) {
    t.is(new Date(time).toISOString(), time);
    t.true(['info', 'warn'].includes(level), level);
    t.truthy(message);
  }
  t.is(entries.find(({ event }) => event === 'mounted')!.engine, engine);
  t.is(entries.find(({ event }) => event === 'environment-composed')!.environment, 'demo');
  const text = await sandbox.expect('log', mountpoint, '--level', 'info');
  t.regex(text, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ info {2}start: shenv-fs .* starts for .*$/m);
  t.deepEqual((await sandbox.expect('log', mountpoint, '--level', 'error')).trim(), '');
});

mountedTest('a damaged image is in the log as an error that names it', async (t, mounted) => {
  const { sandbox, mountpoint } = mounted;
  await sandbox.expect('create', 'demo');
  const images = JSON.parse(await sandbox.expect('store', 'list', '--json')) as { path: string }[];
  await truncate(images[0]!.path, 100);
  await readdir(join(mountpoint, 'demo')).catch(() => undefined);
  const entry = (await logOf(mounted, '--level', 'error')).find(({ event }) => event === 'image-damaged');
  t.is(entry?.path, images[0]!.path);
  const diagnosis = await diagnose(sandbox, 'mounts');
  t.regex(diagnosis.of('problem'), /^mounts: .* cannot show demo: .* -> `shenv-fs store verify`/m);
});

kernelTest('--log-level decides what is logged', async (t, { sandbox, mountpoint, engine }) => {
  await sandbox.expect('unmount', mountpoint);
  await sandbox.mount(engine, 'quiet', '--log-level', 'error');
  t.deepEqual(await sandbox.expect('log', sandbox.path('quiet')), '');
  sandbox.variables.SHENV_LOG_LEVEL = 'debug';
  const loud = await sandbox.mount(engine, 'loud');
  await sandbox.expect('create', 'demo', '--without-pip');
  const entries = await eventually(async () => {
    const found = await logOf({ sandbox, mountpoint: loud, engine });
    return found.some(({ level }) => level === 'debug') && found;
  }, 'a reload without a change is logged');
  t.true(entries.some(({ event }) => event === 'reload'));
  sandbox.variables.SHENV_LOG_LEVEL = 'loudest';
  const wrong = await sandbox.shenv('mount', sandbox.path('wrong'));
  t.is(wrong.status, 2, wrong.stderr);
});

kernelTest(
  'a mount that cannot start tells its command why, and its log too',
  async (t, { sandbox, engine }) => {
    const place = sandbox.path('alone');
    const { status, stderr } = await sandbox.shenv('mount', place, '--env', 'ghost', '--engine', engine);
    t.is(status, 33, stderr);
    const [entry] = await logOf({ sandbox, mountpoint: place, engine }, '--level', 'error');
    t.deepEqual([entry?.event, entry?.code], ['start-failed', 'ENVIRONMENT_MISSING']);
  },
);

mountedTest(
  'metrics are of the exposition format, count what was asked for, and go to a file in one step',
  async (t, { sandbox, mountpoint, engine }) => {
    await sandbox.expect('create', 'demo', '--without-pip');
    await readFile(join(mountpoint, 'demo', 'pyvenv.cfg'));
    const families = parseExposition(await sandbox.expect('metrics'));
    const totalOf = (name: string) =>
      families.find((family) => family.name === name)?.samples.reduce((sum, { value }) => sum + value, 0);
    t.is(totalOf('shenv_fs_up'), 1);
    t.is(totalOf('shenv_fs_environments'), 1);
    t.is(totalOf('shenv_fs_views_loaded'), 1);
    t.true(totalOf('shenv_fs_requests_total')! > 2);
    t.true(totalOf('shenv_fs_memory_bytes')! > 1e7);
    if (engine === 'kernel') t.true(totalOf('shenv_fs_request_duration_seconds')! > 0);
    const second = await sandbox.mount(engine, 'second');
    const both = parseExposition(await sandbox.expect('metrics', '--all'));
    t.deepEqual(
      both
        .find(({ name }) => name === 'shenv_fs_up')!
        .samples.map(({ labels }) => labels.mountpoint)
        .sort(),
      [mountpoint, second].sort(),
    );
    t.is((await sandbox.shenv('metrics')).status, 2, 'which of them is not said');
    const file = sandbox.path('collected', '..', 'shenv.prom');
    t.is(await sandbox.expect('metrics', second, '-o', file), '');
    t.is((await stat(file)).mode & 0o777, 0o644);
    parseExposition(await readFile(file, 'utf8'));
    t.deepEqual(
      (await readdir(sandbox.folder)).filter((name) => name.endsWith('.tmp')),
      [],
    );
  },
);

mountedTest(
  'a daemon that is gone is not up, and a problem, also without a record',
  async (t, { sandbox, mountpoint }) => {
    // Other mounts of this user may be out of order.
    t.false((await diagnose(sandbox, 'mounts')).of('problem').includes(mountpoint));
    for (const pid of await pidsOf(sandbox, mountpoint)) process.kill(pid, 'SIGKILL');
    await eventually(
      async () => (await sandbox.shenv('status')).stdout.includes('its daemon is gone'),
      'it is dead',
    );
    const families = parseExposition(await sandbox.expect('metrics', '--all'));
    t.is(families.find(({ name }) => name === 'shenv_fs_up')!.samples[0]!.value, 0);
    const diagnosis = await diagnose(sandbox, 'mounts');
    t.is(diagnosis.status, 70);
    t.true(
      diagnosis
        .of('problem')
        .includes(`mounts: The daemon of ${mountpoint} is gone -> \`shenv-fs mount ${mountpoint}\``),
      diagnosis.of('problem'),
    );
    for (const file of await readdir(sandbox.path('run')))
      if (file.endsWith('.json')) await unlink(sandbox.path('run', file));
    const stale = (await diagnose(sandbox, 'mounts')).of('problem');
    t.true(stale.includes(`${mountpoint} is mounted, and its daemon is gone -> \`shenv-fs unmount`), stale);
  },
);

kernelTest('a daemon that hangs is a problem, and hangs nothing else', async (t, { sandbox, mountpoint }) => {
  const pids = await pidsOf(sandbox, mountpoint);
  t.teardown(() => {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  });
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  const diagnosis = await diagnose(sandbox, 'mounts', 'limits');
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  t.regex(diagnosis.of('problem'), /^mounts: The daemon of .* does not answer -> See `shenv-fs log /m);
  t.regex(diagnosis.of('ok'), /^limits: /m);
});
