import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { skip } from '../support/interpreters.js';
import { sandboxOf } from '../support/mounts.js';
import { type Installed, installScripts, runInPrivate } from '../support/private-system.js';
import { createSample } from '../support/sample-wheels.js';
import { projectRoot, type Sandbox } from '../support/sandbox.js';

const nobody = 65_534;
const asNobody = `setpriv --reuid=${nobody} --regid=${nobody} --clear-groups`;

interface Prepared {
  sandbox: Sandbox;
  installed: Installed;
  /** The options that name the sandbox's home and runtime folder. */
  places: string;
  venvs: string;
}

/** What is installed, and a home with the environment `web`. */
async function prepare(t: ExecutionContext): Promise<Prepared | undefined> {
  if (process.getuid?.() !== 0) {
    skip(t, 'only root can install into /sbin');
    return undefined;
  }
  const sandbox = await sandboxOf(t);
  await createSample(sandbox, 'web', '--python', '/usr/bin/python3');
  const places = `home=${sandbox.path('home')},runtime=${sandbox.path('run')}`;
  const installed = await installScripts(sandbox);
  await mkdir(sandbox.path('venvs'));
  return { sandbox, installed, places, venvs: sandbox.path('venvs') };
}

test.serial('fstab, mount -a, mount -t and umount work as for any file system', async (t) => {
  const prepared = await prepare(t);
  if (!prepared) return;
  const { sandbox, installed, places, venvs } = prepared;
  const common = `defaults,nofail,_netdev,x-systemd.automount,X-note=1,comment=c,allow_other,${places}`;
  const script = `
    mount -a && echo first; mount -a && echo second
    findmnt -n -o SOURCE,OPTIONS ${venvs}
    ${asNobody} ${venvs}/web/bin/alpha x
    umount ${venvs} && echo gone
    mount -t fuse.shenv -o ${places},env=web,threads=1,poll=5,cache=${venvs}-copies,cache-size=1G shenv-fs ${venvs} && ${venvs}/bin/alpha y
    umount ${venvs}
    mount -f -t shenv -o ${places} shenv-fs ${venvs}; findmnt ${venvs} || echo faked`;
  const fstab = `shenv-fs ${venvs} shenv ro,${common} 0 0\n`;
  const finished = await runInPrivate(t, sandbox, installed, { fstab, script });
  if (!finished) return;
  t.is(
    finished.stdout.replace(/ ro,\S*/, ' ro'),
    'first\nsecond\nshenv-fs ro\nalpha runs x\ngone\nalpha runs y\nfaked\n',
    finished.stderr,
  );
  t.is((await sandbox.run('find', [sandbox.path('run'), '-name', '*.sock'])).stdout, '');
});

const refusals: [string, string, string, number, RegExp][] = [
  ['an option that is not known', 'bad=1', 'shenv-fs', 1, /the option 'bad=1' is not known/],
  ['a relative path', 'home=srv', 'shenv-fs', 1, /home= takes an absolute path, not 'srv'/],
  ['another source', 'ro', '/srv', 1, /the source has to be 'shenv-fs', not '\/srv'; the option home=/],
  ['noexec', 'noexec', 'shenv-fs', 1, /add the option exec/],
  ['a user who is not there', 'uid=no-such-user', 'shenv-fs', 1, /there is no user 'no-such-user'/],
  ['a change of what is mounted', 'remount', 'shenv-fs', 1, /unmount it and mount it anew/],
  ['an environment that is not there', 'env=nope', 'shenv-fs', 32, /\[ENVIRONMENT_MISSING\]/],
];

test.serial('what cannot be mounted is refused with a reason and the status of mount(8)', async (t) => {
  const prepared = await prepare(t);
  if (!prepared) return;
  const { sandbox, installed, places, venvs } = prepared;
  const helper = join(installed.sbin, 'mount.shenv');
  for (const [what, option, source, status, reason] of refusals) {
    const finished = await sandbox.run(helper, [source, venvs, '-o', `rw,${places},${option}`]);
    t.is(finished.status, status, what);
    t.regex(finished.stderr, reason, what);
  }
  t.is((await sandbox.run(helper, ['shenv-fs', venvs, '-s', '-f', '-o', 'bad=1'])).status, 0);
});

test.serial('a user mounts and unmounts what fstab allows, and root mounts in his name', async (t) => {
  const prepared = await prepare(t);
  if (!prepared) return;
  const { sandbox, installed } = prepared;
  const [home, his] = [sandbox.path('ann'), sandbox.path('ann', 'mnt')];
  await mkdir(his, { recursive: true });
  for (const folder of [home, his]) await chown(folder, nobody, nobody);
  const places = `home=${home}/data,runtime=${home}/run`;
  const script = `
    ${asNobody} env HOME=${home} mount ${his} && findmnt -n -o OPTIONS ${his}
    ls ${his} >&2 || echo private
    ${asNobody} umount ${his} && echo gone
    ${asNobody} env HOME=${home} mount ${his}-2 >&2 || echo no exec
    mount -t shenv -o ${places},uid=${nobody} shenv-fs ${his} && findmnt -n -o OPTIONS ${his}
    umount ${his} && echo gone
    ${asNobody} ${installed.sbin}/mount.shenv shenv-fs ${his} -o uid=0 >&2 || echo no root`;
  const fstab = `shenv-fs ${his} shenv ${places},noauto,user,exec 0 0
shenv-fs ${his}-2 shenv ${places},noauto,user 0 0\n`;
  const finished = await runInPrivate(t, sandbox, installed, { fstab, script });
  if (!finished) return;
  if (/fusermount3?: .*(not permitted|Permission denied)/.test(finished.stderr))
    return skip(t, `a user cannot mount here: ${finished.stderr}`);
  const mine = `rw,nosuid,nodev,relatime,user_id=${nobody},group_id=${nobody},default_permissions`;
  t.is(finished.stdout, `${mine}\nprivate\ngone\nno exec\n${mine}\ngone\nno root\n`, finished.stderr);
});

test.serial(
  'autofs mounts an environment when somebody looks and unmounts it when nobody does',
  async (t) => {
    const prepared = await prepare(t);
    if (!prepared) return;
    const { sandbox, installed, venvs } = prepared;
    const has = (command: string) => sandbox.run('sh', ['-c', command]);
    if ((await has('command -v automount && test -c /dev/autofs')).status !== 0)
      return skip(t, 'automount or the kernel’s autofs is missing (prerequisites.sh --scripts)');
    const map = join(installed.prefix, 'libexec/shenv-fs/auto.shenv');
    await writeFile(sandbox.path('auto.master'), `${venvs} program:${map} --timeout=1\n`);
    const settings = [
      `SHENV_HOME=${sandbox.path('home')}`,
      `MOUNT_OPTIONS=allow_other,runtime=${sandbox.path('run')}`,
    ];
    await writeFile(sandbox.path('autofs.conf'), `${settings.join('\n')}\n`);
    const script = `
    export SHENV_AUTOFS_CONFIGURATION=${sandbox.path('autofs.conf')}
    until_() { for try in $(seq 150); do "$@" && return; sleep 0.1; done; echo "not in time: $*"; }
    mounted() { grep -q " ${venvs} .* autofs " /proc/self/mountinfo; }
    idle() { ! grep -q " ${venvs}/" /proc/self/mountinfo; }
    trap 'kill $automounter; wait' EXIT
    automount -f -C -p ${sandbox.path('auto.pid')} ${sandbox.path('auto.master')} >&2 & automounter=$!
    until_ mounted
    timeout 20 ${asNobody} ${venvs}/web/bin/alpha x
    timeout 5 ls ${venvs}/nope >&2 || echo none
    timeout 5 ls ${venvs}/.git >&2 || echo none
    until_ idle; echo idle
    timeout 20 ${venvs}/web@1/bin/alpha y
    until_ idle; kill $automounter; wait $automounter; trap - EXIT
    mounted || echo gone`;
    const finished = await runInPrivate(t, sandbox, installed, { script, sharesProcesses: true });
    t.is(
      finished?.stdout ?? '',
      finished ? 'alpha runs x\nnone\nnone\nidle\nalpha runs y\ngone\n' : '',
      finished?.stderr,
    );
  },
);

test.serial('of ro and rw the last one says whether anything may be written', async (t) => {
  const sandbox = await sandboxOf(t);
  const helper = join(projectRoot, 'mount-scripts/mount.shenv');
  for (const [options, isReadOnly] of [
    ['rw', false],
    ['defaults', false],
    ['rw,ro', true],
    ['ro,rw', false],
  ] as const) {
    const { status, stdout } = await sandbox.run(helper, ['shenv-fs', '/venvs', '-f', '-v', '-o', options]);
    t.is(status, 0);
    t.is(stdout, `mount.shenv: shenv-fs mount /venvs${isReadOnly ? ' --read-only' : ''}\n`, options);
  }
});
