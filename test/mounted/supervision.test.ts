import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { isMounted } from '../../src/mount/mountpoint.js';
import { describeDeaths, runDeaths } from '../endurance/deaths.js';
import { eventually, sandboxOf } from '../support/mounts.js';
import { createSample } from '../support/sample-wheels.js';
import {
  isLive,
  kill,
  killServer,
  recordOf,
  serverOf,
  statusOf,
  supervisorPid,
} from '../support/supervised.js';
import { supervisedTest } from '../support/supervised-test.js';

test.serial(
  'interpreters that import and files that are held open notice nothing of deaths of the server',
  async (t) => {
    const options = { deaths: 4, interpreters: 3, seed: Math.floor(Math.random() * 2 ** 31) };
    const report = await runDeaths(options);
    t.log(`seed ${options.seed}`, describeDeaths(options, report));
    t.deepEqual(report.errors, []);
    t.true(report.rounds.imports > 0 && report.rounds.rereads > 0);
    t.is(report.deathsCounted, options.deaths);
  },
);

supervisedTest('status waits for the next server, and tells of supervisor and death', async (t, sandbox) => {
  const before = await statusOf(sandbox);
  t.is(before.supervision!.deaths, 0);
  t.is(before.supervision!.lastEnd, undefined);
  kill(before.pid);
  const after = await statusOf(sandbox);
  t.not(after.pid, before.pid);
  const { supervision } = after;
  t.like(supervision, { pid: before.supervision!.pid, isWatching: true, deaths: 1 });
  t.like(supervision!.lastEnd, { how: 'signal', number: 9 });
  t.true(supervision!.toServiceMs! > 0);
  t.true(
    supervision!.memoryBytes > 0 && supervision!.memoryBytes < 4 << 20,
    `${supervision!.memoryBytes} bytes`,
  );
  t.regex(
    await sandbox.expect('status'),
    /1 servers died; the last ended .* \(signal 9\), served again after \d+ ms/,
  );
});

supervisedTest(
  'a server that dies while it starts is followed by another',
  async (t, sandbox, mountpoint) => {
    await createSample(sandbox, 'demo');
    const supervisor = await supervisorPid(sandbox);
    for (let deaths = 0; deaths < 3; deaths += 1) await killServer(supervisor);
    t.true((await stat(join(mountpoint, 'demo', 'lib'))).isDirectory());
    t.is((await statusOf(sandbox)).supervision!.deaths, 3);
  },
);

supervisedTest(
  'a server that keeps dying is given up: nothing stays mounted, the log tells how to go on',
  async (t, sandbox, mountpoint) => {
    const supervisor = await supervisorPid(sandbox);
    for (let deaths = 0; deaths < 3; deaths += 1) await killServer(supervisor);
    await eventually(async () => !(await isLive(supervisor)), 'the supervisor gave up');
    t.false(await isMounted(mountpoint));
    const log = await logOf(sandbox.path('run'));
    t.true(
      log.includes(
        `is given up and unmounted; see the lines above, then run \`shenv-fs mount ${mountpoint}\``,
      ),
      log,
    );
    const told = JSON.parse(await sandbox.expect('status', '--json')) as { dead?: boolean }[];
    t.true(told[0]!.dead);
    await sandbox.mount('kernel');
    t.is((await statusOf(sandbox)).supervision!.deaths, 0);
  },
  { SHENV_SUPERVISION: 'deaths=3,lastingMs=600000' },
);

async function logOf(folder: string): Promise<string> {
  const name = (await readdir(folder)).find((file) => file.endsWith('.log'));
  return readFile(join(folder, name!), 'utf8');
}

supervisedTest('without its supervisor the server goes on and says so', async (t, sandbox, mountpoint) => {
  await createSample(sandbox, 'demo');
  const { supervision, pid } = await statusOf(sandbox);
  kill(supervision!.pid);
  await eventually(async () => !(await statusOf(sandbox)).supervision!.isWatching, 'the server knows');
  t.is((await statusOf(sandbox)).pid, pid);
  t.true((await stat(join(mountpoint, 'demo', 'bin', 'alpha'))).isFile());
  t.regex(await sandbox.expect('status'), /nobody supervises it: its supervisor \(pid \d+\) has died/);
  await eventually(
    async () => (await logOf(sandbox.path('run'))).includes('serves on alone'),
    'the log tells',
  );
  const restart = await sandbox.shenv('restart', mountpoint);
  t.is(restart.status, 56, restart.stderr);
  await sandbox.expect('unmount', mountpoint);
  t.false(await isLive(pid));
});

supervisedTest('SIGTERM to the supervisor is a clean stop', async (t, sandbox, mountpoint) => {
  const { supervisor, pid } = await recordOf(sandbox);
  kill(supervisor!.pid, 'SIGTERM');
  await eventually(async () => !(await isLive(supervisor!.pid)), 'the supervisor has ended');
  t.false(await isLive(pid));
  t.false(await isMounted(mountpoint));
  t.deepEqual(JSON.parse(await sandbox.expect('status', '--json')), []);
});

supervisedTest(
  'neither supervisor nor server keep more descriptors after deaths',
  async (t, sandbox, mountpoint) => {
    const supervisor = await supervisorPid(sandbox);
    const countOf = async (pid: number) => {
      return (await readdir(`/proc/${pid}/fd`)).length;
    };
    const held = await countOf(supervisor);
    await killServer(supervisor);
    const first = await countOf((await statusOf(sandbox)).pid);
    for (let deaths = 0; deaths < 2; deaths += 1) {
      await killServer(supervisor);
      await stat(mountpoint);
      await statusOf(sandbox);
    }
    const server = await serverOf(supervisor);
    t.true((await countOf(server!)) <= first + 1);
    t.is(await countOf(supervisor), held);
  },
);

test.serial('kernel: --no-supervise serves in one process, whose death is the end', async (t) => {
  const sandbox = await sandboxOf(t);
  const mountpoint = await sandbox.mount('kernel', 'mnt', '--no-supervise');
  const status = await statusOf(sandbox);
  t.is(status.supervision, undefined);
  t.regex(await sandbox.expect('status'), /nobody supervises it/);
  kill(status.pid);
  await eventually(async () => !(await isLive(status.pid)), 'the server is dead');
  const told = JSON.parse(await sandbox.expect('status', '--json')) as { dead?: boolean }[];
  t.true(told[0]!.dead);
  await sandbox.expect('unmount', mountpoint);
});
