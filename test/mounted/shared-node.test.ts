import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { engines, eventually, mountOrSkip, sandboxOf } from '../support/mounts.js';
import { createSample } from '../support/sample-wheels.js';
import { program, type Sandbox } from '../support/sandbox.js';
import { type User, usersOf } from '../support/users.js';

const python = '/usr/bin/python3';

interface Node {
  sandbox: Sandbox;
  mountpoint: string;
  ann: User;
  bob: User;
  wheels: string;
}

/** A node whose administrator (root) shows the environment `web` to all users, by one daemon. */
async function nodeOf(t: ExecutionContext, engine: string): Promise<Node | undefined> {
  const sandbox = await sandboxOf(t);
  const users = await usersOf(t, sandbox);
  if (!users) return undefined;
  await createSample(sandbox, 'web', '--python', python);
  await chmod(sandbox.path('home', 'environments'), 0o755);
  const mountpoint = await mountOrSkip(t, sandbox, engine, 'venvs', '--allow-other');
  return mountpoint === undefined
    ? undefined
    : { sandbox, mountpoint, wheels: sandbox.path('wheels'), ...users };
}

/** As `user.shenv` with other places than his own. */
const elsewhere = (user: User, places: Record<string, string>, ...args: string[]) => {
  const variables = Object.entries(places).map(([name, value]) => `${name}=${value}`);
  return user.run('env', ...variables, process.execPath, program, ...args);
};

// Who may do what does not depend on the engine.
for (const engine of engines.slice(-1)) {
  test.serial(`${engine}: users run what the daemon of root shows, and have no say in it`, async (t) => {
    const node = await nodeOf(t, engine);
    if (!node) return;
    const { sandbox, mountpoint, ann, bob } = node;
    for (const user of [ann, bob]) {
      const imported = await user.run(join(mountpoint, 'web/bin/alpha'), 'x');
      t.is(imported.stdout, 'alpha runs x\n', imported.stderr);
    }
    const { stdout: shown } = await ann.run(
      'find',
      join(mountpoint, 'web'),
      '!',
      '-type',
      'l',
      '-printf',
      '%U %m\n',
    );
    t.deepEqual([...new Set(shown.trim().split('\n'))].sort(), ['0 644', '0 755']);
    t.not((await ann.run('touch', join(mountpoint, 'web', 'x'))).status, 0);

    const refused = async (
      pattern: RegExp,
      status: number,
      places: Record<string, string>,
      ...args: string[]
    ) => {
      const finished = await elsewhere(ann, places, ...args);
      t.regex(finished.stderr, pattern, args.join(' '));
      t.is(finished.status, status);
    };
    for (const lazy of [[], ['--lazy']])
      await refused(/daemon of user 0 \[MOUNT_FOREIGN\]\n {2}-> Ask/, 57, {}, 'unmount', mountpoint, ...lazy);
    await refused(/\[MOUNT_FOREIGN\]/, 57, {}, 'status', mountpoint);
    await refused(/is mounted already \[MOUNTPOINT_UNUSABLE\]/, 51, {}, 'mount', mountpoint);
    const runtime = sandbox.path('run');
    for (const args of [['status'], ['unmount', mountpoint], ['mount', join(ann.home, 'mnt')]])
      await refused(
        /run belongs to somebody else.*\[STORE_UNUSABLE\]\n {2}-> Set/,
        23,
        { SHENV_RUNTIME: runtime },
        ...args,
      );
    const home = { SHENV_HOME: sandbox.path('home'), SHENV_STORE: '' };
    for (const args of [
      ['delete', 'web'],
      ['clone', 'web', 'mine'],
      ['rename', 'web', 'w'],
    ])
      await refused(/home are those of user 0 \[HOME_FOREIGN\]\n {2}-> You may use/, 26, home, ...args);
    t.regex((await elsewhere(ann, home, 'list')).stdout, /^web /m);

    t.true((await ann.expect('status')).includes(`${mountpoint}: of user 0, for all users`));
    const [{ pid }] = JSON.parse(await sandbox.expect('status', '--json'));
    t.not((await ann.run('kill', String(pid))).status, 0);
    const sockets = (await sandbox.run('find', [runtime, '-name', '*.sock'])).stdout.trim().split('\n');
    t.is(sockets.length, 1);
    t.is((await stat(sockets[0]!)).mode & 0o777, 0o600);
    t.is((await stat(runtime)).mode & 0o777, 0o700);
  });

  test.serial(
    `${engine}: a user makes an environment after a shared one, which is his own to see`,
    async (t) => {
      const node = await nodeOf(t, engine);
      if (!node) return;
      const { sandbox, mountpoint, ann, bob } = node;
      const shared = { SHENV_HOME: sandbox.path('home'), SHENV_STORE: '' };
      const pins = (await elsewhere(ann, shared, 'freeze', 'web')).stdout;
      t.is(pins, 'alpha==1.0\nbeta==2.0\n');
      await ann.run('sh', '-c', `printf '%s' '${pins}' > '${ann.home}/pins.txt'`);
      const own = ann.with({ store: `${join(ann.home, 'store')}:${sandbox.path('home', 'store')}` });
      await own.expect(
        ...['create', 'mine', '-r', join(ann.home, 'pins.txt'), '--python', python],
        ...['--without-pip', '--no-bytecode', '--no-index'],
      );
      const images = await own.run('find', join(ann.home, 'store'), '-name', '*.img');
      t.is(images.stdout, '', 'nothing was stored twice');
      if ((await ann.run('test', '-w', '/dev/fuse')).status !== 0) return;
      const his = join(ann.home, 'mnt');
      t.teardown(() => own.shenv('unmount', his, '--lazy'));
      await own.expect('mount', his, '--engine', engine);
      t.is((await own.run(join(his, 'mine/bin/alpha'), 'x')).stdout, 'alpha runs x\n');
      t.not((await bob.run('ls', his)).status, 0);
      t.not((await sandbox.run('ls', [his])).status, 0, 'not even root enters it');

      const anns = { SHENV_HOME: join(ann.home, 'data'), SHENV_STORE: sandbox.path('home', 'store') };
      t.regex((await elsewhere(bob, anns, 'list')).stderr, /\[HOME_FOREIGN\]/);
      await ann.run('chmod', '755', join(ann.home, 'data', 'environments'));
      t.regex((await elsewhere(bob, anns, 'list')).stdout, /^mine /m);
      t.is((await bob.run(join(mountpoint, 'web/bin/alpha'), 'y')).stdout, 'alpha runs y\n');
    },
  );

  test.serial(
    `${engine}: what a home's owner puts there cannot make the daemon of root disclose or wait`,
    async (t) => {
      const sandbox = await sandboxOf(t);
      const users = await usersOf(t, sandbox);
      if (!users) return;
      const { ann } = users;
      const secret = 'for root alone';
      await mkdir(sandbox.path('private'), { mode: 0o700 });
      await writeFile(sandbox.path('private', 'shadow'), `SHENVMAN ${secret}\n`, { mode: 0o600 });
      await createSample(sandbox, 'hidden', '--python', python);
      const own = ann.with({ store: join(ann.home, 'store') });
      const wheels = ['--no-index', '--find-links', sandbox.path('wheels')];
      const create = (name: string) =>
        own.expect('create', name, 'alpha', '--python', python, '--without-pip', '--no-bytecode', ...wheels);
      await create('good');
      for (const name of ['link', 'fifo', 'record']) await own.expect('clone', 'good', name);
      const environments = join(ann.home, 'data', 'environments');
      const shadow = sandbox.path('private', 'shadow');
      const manifest = (name: string) => join(environments, name, '00000001.manifest');
      await ann.run('ln', '-sf', shadow, manifest('link'));
      await ann.run('sh', '-c', `rm '${manifest('fifo')}'; mkfifo '${manifest('fifo')}'`);
      await ann.run('ln', '-s', sandbox.path('home', 'environments', 'hidden'), join(environments, 'led'));

      sandbox.variables.SHENV_HOME = join(ann.home, 'data');
      sandbox.variables.SHENV_STORE = join(ann.home, 'store');
      const mountpoint = await mountOrSkip(t, sandbox, engine, 'venvs', '--allow-other');
      if (mountpoint === undefined) return;
      t.is((await ann.run(join(mountpoint, 'good/bin/alpha'), 'x')).stdout, 'alpha runs x\n');
      const { stdout } = await ann.run('ls', mountpoint);
      t.deepEqual(stdout.trim().split('\n'), ['good', 'record']);

      const interpreters = join(ann.home, 'data', 'interpreters');
      await ann.run(
        'sh',
        '-c',
        `cd '${interpreters}' && for f in *; do [ -d "$f" ] || ln -sf '${shadow}' "$f"; done`,
      );
      await ann.run('sh', '-c', `find '${ann.home}/store' -name '*.img' -exec ln -sf '${shadow}' {} ';'`);
      const isUnseen = async () => (await ann.run('ls', join(mountpoint, 'record', 'bin'))).status !== 0;
      await eventually(isUnseen, 'an environment whose interpreter record leads away is not shown');
      const single = await sandbox.shenv('mount', sandbox.path('one'), '--env', 'led');
      t.regex(single.stderr, /\[ENVIRONMENT_MISSING\]/);
      const status = await sandbox.expect('status', '--json');
      const seen = await ann.run(
        'sh',
        '-c',
        `cat '${mountpoint}/.shenv/status.json'; timeout 20 grep -r '${secret}' '${mountpoint}'`,
      );
      for (const text of [status, seen.stdout, seen.stderr]) t.false(text.includes(secret));
      t.regex(status, /"failures": \{\s+"record": "The interpreter record/);

      await rm(environments, { recursive: true });
      await ann.run('ln', '-s', sandbox.path('home', 'environments'), environments);
      t.is(await sandbox.expect('list', '--json'), '[]\n');
      await rm(environments);
      await symlink(sandbox.path('home', 'environments'), environments);
      t.is(
        JSON.parse(await sandbox.expect('list', '--json'))[0].name,
        'hidden',
        'a link that root made is followed',
      );
      t.true((await readFile(shadow, 'utf8')).includes(secret));
    },
  );
}
