import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Finished } from '../../src/base/run.js';
import { skip } from '../support/interpreters.js';
import { engines, sandboxOf } from '../support/mounts.js';
import { writeSampleWheels } from '../support/sample-wheels.js';
import { program } from '../support/sandbox.js';

const python = '/usr/bin/python3';

for (const engine of engines) {
  test.serial(`${engine}: a user without privileges creates, mounts, imports and unmounts`, async (t) => {
    if (process.getuid?.() !== 0)
      return skip(t, 'only root can become another user; the other tests run as one');
    const sandbox = await sandboxOf(t);
    const ids = await sandbox.run('id', ['-u', 'nobody']);
    const uid = Number(ids.stdout);
    await chmod(sandbox.folder, 0o755);
    const home = sandbox.path('user');
    await mkdir(home);
    await chown(home, uid, uid);
    const wheels = await writeSampleWheels(sandbox);
    const mountpoint = join(home, 'mnt');
    const settings = [
      `HOME=${home}`,
      `SHENV_HOME=${home}/data`,
      `SHENV_RUNTIME=${home}/run`,
      'TMPDIR=/tmp',
      'PATH=/usr/bin:/bin',
    ];
    const asUser = (...command: string[]): Promise<Finished> =>
      sandbox.run('setpriv', [
        `--reuid=${uid}`,
        `--regid=${uid}`,
        '--clear-groups',
        'env',
        '-i',
        ...settings,
        ...command,
      ]);
    const shenv = (...args: string[]) => asUser(process.execPath, program, ...args);

    const check = 'test -r "$1" && "$2" -c "import venv, pip"';
    const able = await asUser('sh', '-c', check, '-', program, python);
    if (able.status !== 0) return skip(t, `another user cannot read the project, or ${python} has no pip`);
    t.teardown(() => shenv('unmount', mountpoint, '--lazy'));
    const source = ['--python', python, '--without-pip', '--no-index', '--find-links', wheels];
    const created = await shenv('create', 'demo', 'alpha', ...source);
    t.is(created.status, 0, created.stderr);
    const device = await asUser('test', '-w', '/dev/fuse');
    if (device.status !== 0) return skip(t, 'only root may open /dev/fuse here; creating was tested');
    const mounted = await shenv('mount', mountpoint, '--engine', engine);
    if (mounted.stderr.includes('[ENGINE_UNAVAILABLE]'))
      return skip(t, `the engine ${engine} is not part of this build`);
    t.is(mounted.status, 0, mounted.stderr);
    const imported = await asUser(join(mountpoint, 'demo', 'bin', 'alpha'), 'x');
    t.is(imported.stdout, 'alpha runs x\n', imported.stderr);
    const other = await sandbox.run('ls', [mountpoint]);
    t.not(other.status, 0, 'without --allow-other a mount is its user’s alone');
    const unmounted = await shenv('unmount', mountpoint);
    t.is(unmounted.status, 0, unmounted.stderr);
    const status = await shenv('status', '--json');
    t.deepEqual(JSON.parse(status.stdout), []);
  });
}
