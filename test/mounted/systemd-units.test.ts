import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { BootedSystem } from '../support/booted-system.js';
import { eventually, sandboxOf } from '../support/mounts.js';
import { writeSampleWheels } from '../support/sample-wheels.js';
import { projectRoot, type Sandbox } from '../support/sandbox.js';

const python = '/usr/bin/python3';
const source = (wheels: string) => [
  ...['--python', python, '--no-index', '--find-links', wheels, '--without-pip', '--no-bytecode'],
];

/** The supervisor is what tells systemd that it is ready; without one systemd must not wait for that. */
const notifies = async () =>
  (await readFile(join(projectRoot, 'native/build/shenv-fs-supervisor'), 'latin1').catch(() => '')).includes(
    'NOTIFY_SOCKET',
  );

/** Installs as an administrator would; gives the program. */
async function install(system: BootedSystem, sandbox: Sandbox): Promise<string> {
  await chmod(sandbox.folder, 0o755);
  await system.expect(join(projectRoot, 'mount-scripts/install.sh'));
  if (!(await notifies())) {
    for (const unit of ['system/shenv-fs@', 'user/shenv-fs'])
      await system.write(`/etc/systemd/${unit}.service.d/type.conf`, '[Service]\nType=exec\n');
  }
  await system.expect('systemctl', 'daemon-reload');
  return '/usr/local/libexec/shenv-fs/shenv-fs';
}

test.serial(
  'the system unit mounts for all users, starts again after a death, and stops without a trace',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const system = await BootedSystem.start(t, sandbox);
    if (!system) return;
    const shenv = await install(system, sandbox);
    const [home, mountpoint] = [sandbox.path('srv'), sandbox.path('venvs')];
    const wheels = await writeSampleWheels(sandbox);
    await system.expect('env', `SHENV_HOME=${home}`, shenv, 'create', 'web', 'alpha', ...source(wheels));
    const settings = [`MOUNTPOINT=${mountpoint}`, `SHENV_HOME=${home}`, 'MOUNT_OPTIONS=--allow-other', ''];
    await system.write('/etc/shenv-fs/venvs.conf', settings.join('\n'));
    await system.expect('systemctl', 'enable', '--now', 'shenv-fs@venvs');
    const imported = () =>
      system.run('setpriv', '--reuid=41002', '--clear-groups', join(mountpoint, 'web/bin/alpha'), 'x');
    const runs = async () => (await imported()).stdout === 'alpha runs x\n';
    await eventually(runs, 'another user runs a program of the mount');

    const show = async (property: string) =>
      (await system.expect('systemctl', 'show', '-P', property, 'shenv-fs@venvs')).trim();
    const pid = await show('MainPID');
    t.is(
      await system.expect('readlink', `/proc/${pid}/ns/mnt`),
      await system.expect('readlink', '/proc/1/ns/mnt'),
    );
    t.regex(await system.expect('cat', `/proc/${pid}/status`), /NoNewPrivs:\s1[\s\S]*Seccomp:\s2/);
    await system.expect('kill', '-9', pid);
    await eventually(
      async () => ![pid, '0'].includes(await show('MainPID')) && runs(),
      'it was started again',
    );

    await system.expect('systemctl', 'stop', 'shenv-fs@venvs');
    t.is(await show('Result'), 'success');
    t.not((await system.run('findmnt', mountpoint)).status, 0);
    t.is(await system.expect('find', '/run/shenv-fs', '-name', '*.sock'), '');
  },
);

test.serial('a mount that cannot be is reported by its unit, once', async (t) => {
  const sandbox = await sandboxOf(t);
  const system = await BootedSystem.start(t, sandbox);
  if (!system) return;
  await install(system, sandbox);
  await system.write('/etc/shenv-fs/bad.conf', 'MOUNTPOINT=/srv/bad\nMOUNT_OPTIONS=--no-such-option\n');
  await system.run('systemctl', 'start', 'shenv-fs@bad');
  const failed = async () => (await system.run('systemctl', 'is-failed', 'shenv-fs@bad')).status === 0;
  await eventually(failed, 'the unit has failed');
  t.is((await system.expect('systemctl', 'show', '-P', 'NRestarts', 'shenv-fs@bad')).trim(), '0');
  t.regex(await system.expect('journalctl', '-u', 'shenv-fs@bad', '-o', 'cat'), /--no-such-option/);
});

test.serial(
  'the user unit mounts at ~/.venvs with the help of fusermount3, and starts again after a death',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const system = await BootedSystem.start(t, sandbox);
    if (!system) return;
    const shenv = await install(system, sandbox);
    const wheels = await writeSampleWheels(sandbox);
    await system.expect('useradd', '--create-home', '--uid', '41003', 'shenv-cara');
    await system.expect('systemctl', 'start', 'user@41003.service');
    const asUser = (...command: string[]) => [
      ...['setpriv', '--reuid=41003', '--regid=41003', '--clear-groups', 'env', 'HOME=/home/shenv-cara'],
      ...['XDG_RUNTIME_DIR=/run/user/41003', ...command],
    ];
    await system.expect(...asUser(shenv, 'create', 'web', 'alpha', ...source(wheels)));
    await system.expect(...asUser('systemctl', '--user', 'enable', '--now', 'shenv-fs'));
    const runs = async () =>
      (await system.run(...asUser('/home/shenv-cara/.venvs/web/bin/alpha', 'x'))).stdout === 'alpha runs x\n';
    await eventually(runs, 'its user runs a program of the mount');
    t.not((await system.run('ls', '/home/shenv-cara/.venvs/web')).status, 0, 'a mount is its user’s alone');
    const show = async () =>
      (await system.expect(...asUser('systemctl', '--user', 'show', '-P', 'MainPID', 'shenv-fs'))).trim();
    const pid = await show();
    await system.expect('kill', '-9', pid);
    await eventually(async () => ![pid, '0'].includes(await show()) && runs(), 'it was started again');
    await system.expect(...asUser('systemctl', '--user', 'stop', 'shenv-fs'));
    t.not((await system.run('findmnt', '/home/shenv-cara/.venvs')).status, 0);
  },
);

test.serial(
  'fstab mounts on first use by systemd (x-systemd.automount), and umount leaves nothing',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const system = await BootedSystem.start(t, sandbox);
    if (!system) return;
    const shenv = await install(system, sandbox);
    const [home, mountpoint] = [sandbox.path('srv'), '/srv/tools'];
    const wheels = await writeSampleWheels(sandbox);
    await system.expect('env', `SHENV_HOME=${home}`, shenv, 'create', 'web', 'alpha', ...source(wheels));
    const options = `home=${home},allow_other,noauto,nofail,x-systemd.automount`;
    await system.write('/etc/fstab', `shenv-fs ${mountpoint} shenv ${options} 0 0\n`);
    await system.expect('systemctl', 'daemon-reload');
    await system.expect('systemctl', 'start', 'srv-tools.automount');
    const command = ['setpriv', '--reuid=41002', '--clear-groups', `${mountpoint}/web/bin/alpha`, 'x'];
    t.is(await system.expect(...command), 'alpha runs x\n');
    t.regex(await system.expect('systemctl', 'status', 'srv-tools.mount'), /Active: active \(mounted\)/);
    await system.expect('systemctl', 'stop', 'srv-tools.automount', 'srv-tools.mount');
    t.not((await system.run('findmnt', mountpoint)).status, 0);
    t.is(await system.expect('find', '/run/shenv-fs', '-name', '*.sock'), '');
  },
);
