import { chmod, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { isMounted } from '../../src/mount/mountpoint.js';
import { engines, eventually, sandboxOf } from '../support/mounts.js';
import { createSample } from '../support/sample-wheels.js';
import { isLive, kill, recordOf, serverOf, statusOf } from '../support/supervised.js';
import { supervisedTest } from '../support/supervised-test.js';

supervisedTest(
  'who took over a mount that was detached before leaves the next one at its place alone',
  async (t, sandbox, mountpoint) => {
    await createSample(sandbox, 'demo');
    const held = await open(join(mountpoint, 'demo', 'bin', 'alpha'));
    t.teardown(() => held.close().catch(() => undefined));
    const { supervisor, pid } = await recordOf(sandbox);
    await sandbox.expect('unmount', '--lazy', mountpoint);
    kill(pid);
    const next = await eventually(async () => {
      const server = await serverOf(supervisor!.pid);
      return server === pid ? undefined : server;
    }, 'another process serves those who stay');
    t.true((await held.readFile()).length > 0);
    await sandbox.mount('kernel');
    const record = await recordOf(sandbox);
    kill(next, 'SIGTERM');
    await held.close();
    await eventually(async () => !(await isLive(supervisor!.pid)), 'the last user has left');
    t.deepEqual(await recordOf(sandbox), record);
    t.true(await isMounted(mountpoint));
    t.is((await statusOf(sandbox)).pid, record.pid);
  },
);

if (engines.includes('kernel')) {
  test.serial('kernel: what fails after mounting leaves no mount behind', async (t) => {
    const sandbox = await sandboxOf(t);
    const cache = sandbox.path('cache');
    await mkdir(cache);
    await chmod(cache, 0o777);
    const mountpoint = sandbox.path('mnt');
    const { status, stderr } = await sandbox.shenv(
      'mount',
      mountpoint,
      '--engine',
      'kernel',
      '--cache',
      cache,
    );
    t.is(status, 23, stderr);
    await eventually(async () => !(await isMounted(mountpoint)), 'nothing is mounted');
    t.deepEqual(JSON.parse(await sandbox.expect('status', '--json')), []);
  });

  test.serial('kernel: a dead mount in PATH keeps nobody from mounting again', async (t) => {
    const sandbox = await sandboxOf(t);
    const mountpoint = await sandbox.mount('kernel', 'mnt', '--no-supervise');
    await createSample(sandbox, 'demo');
    const { pid } = await statusOf(sandbox);
    kill(pid);
    await eventually(async () => !(await isLive(pid)), 'the server is dead');
    sandbox.variables.PATH = `${join(mountpoint, 'demo', 'bin')}:${process.env.PATH}`;
    await sandbox.mount('kernel');
    t.true((await statusOf(sandbox)).pid !== pid);
  });
}
