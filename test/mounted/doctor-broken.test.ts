import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import test from 'ava';
import { errorCodes } from '../../src/base/errors.js';
import { checkNames } from '../../src/doctor/checks.js';
import { listMounts } from '../../src/mount/mountpoint.js';
import { diagnose, diagnosisOf, doctorCommand, inBrokenSystem } from '../support/broken-system.js';
import { anyInterpreter } from '../support/interpreters.js';
import { eventually, sandboxOf } from '../support/mounts.js';
import { movableInterpreter, moveInterpreter } from '../support/movable-interpreter.js';
import { usersOf } from '../support/users.js';

const unfit = errorCodes.SETUP_PROBLEM;

/** A /dev without the device that mounting needs. */
const withoutFuse = `
mkdir "$SHENV_TEST_FOLDER/dev"
mount -t tmpfs none "$SHENV_TEST_FOLDER/dev"
cp -a /dev/null /dev/zero /dev/urandom /dev/random /dev/full "$SHENV_TEST_FOLDER/dev"
mount --bind "$SHENV_TEST_FOLDER/dev" /dev`;

test.serial('without /dev/fuse it says so, and that no engine can mount', async (t) => {
  const sandbox = await sandboxOf(t);
  sandbox.variables.SHENV_TEST_FOLDER = sandbox.folder;
  const finished = await inBrokenSystem(t, sandbox, withoutFuse, doctorCommand('fuse', 'engines'));
  if (!finished) return;
  const diagnosis = diagnosisOf(finished);
  t.is(diagnosis.status, unfit);
  t.regex(diagnosis.of('problem'), /^fuse: There is no \/dev\/fuse -> .*modprobe fuse/m);
  t.regex(diagnosis.of('problem'), /^engines: Nothing can be mounted with the engine kernel: /m);
});

test.serial('a /dev/fuse that only root may open is a problem of other users', async (t) => {
  const sandbox = await sandboxOf(t);
  const users = await usersOf(t, sandbox);
  if (!users) return;
  sandbox.variables.SHENV_TEST_FOLDER = sandbox.folder;
  const script = `
mkdir "$SHENV_TEST_FOLDER/dev"
mount -t tmpfs none "$SHENV_TEST_FOLDER/dev"
cp -a /dev/fuse "$SHENV_TEST_FOLDER/dev"
chmod 600 "$SHENV_TEST_FOLDER/dev/fuse"
mount --bind "$SHENV_TEST_FOLDER/dev/fuse" /dev/fuse`;
  const asAnn = ['setpriv', `--reuid=${users.ann.uid}`, `--regid=${users.ann.uid}`, '--clear-groups'];
  const finished = await inBrokenSystem(t, sandbox, script, [...asAnn, ...doctorCommand('fuse')]);
  if (!finished) return;
  const diagnosis = diagnosisOf(finished);
  t.is(diagnosis.status, unfit);
  t.regex(diagnosis.of('problem'), /^fuse: \/dev\/fuse cannot be opened: EACCES -> .*chmod 666 \/dev\/fuse/m);
});

test.serial(
  'without fusermount3 root can mount and is told who cannot; for others it is a problem',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const path = `PATH=${sandbox.path('empty')}`;
    const forRoot = diagnosisOf(await sandbox.run('env', [path, ...doctorCommand('fuse')]));
    if (process.getuid?.() === 0) {
      t.is(forRoot.status, 0, forRoot.of('problem'));
      t.regex(forRoot.of('advice'), /^fuse: There is no fusermount3.* -> Install the package fuse3/m);
    }
    const users = await usersOf(t, sandbox);
    if (!users) return;
    const forAnn = diagnosisOf(await users.ann.run('env', path, ...doctorCommand('fuse')));
    t.is(forAnn.status, unfit);
    t.regex(forAnn.of('problem'), /^fuse: There is no fusermount3 on PATH.* -> Install the package fuse3/m);
  },
);

test.serial('a user without privileges gets through every check, and nothing of them stays', async (t) => {
  const sandbox = await sandboxOf(t);
  const users = await usersOf(t, sandbox);
  if (!users) return;
  const diagnosis = diagnosisOf(await users.ann.run(...doctorCommand()));
  t.deepEqual(
    checkNames.filter((name) => !diagnosis.findings.some(({ check }) => check === name)),
    [],
  );
  t.notRegex(diagnosis.of('problem'), /could not be finished|did not end/);
  t.is(diagnosis.status, diagnosis.problems === 0 ? 0 : unfit);
  // The code that was compiled stays, as after every command.
  t.deepEqual(await readdir(users.ann.home), ['.cache']);
});

test.serial(
  'where a file system is full it says what cannot be written, and leaves nothing there',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const full = sandbox.path('full');
    await mkdir(full);
    sandbox.variables.SHENV_HOME = `${full}/home`;
    sandbox.variables.SHENV_RUNTIME = `${full}/run`;
    const script = `
mount -t tmpfs -o size=1m,mode=755 none ${full}
mkdir -p ${full}/home ${full}/run
head -c 2000000 /dev/zero > ${full}/filler 2>/dev/null || true`;
    const look = ['sh', '-c', `"$@"; status=$?; find ${full} -mindepth 1 | sort >&2; exit $status`, '-'];
    const finished = await inBrokenSystem(t, sandbox, script, [
      ...look,
      ...doctorCommand('home', 'runtime', 'store'),
    ]);
    if (!finished) return;
    const diagnosis = diagnosisOf(finished);
    t.is(diagnosis.status, unfit);
    for (const check of ['home', 'runtime', 'store'])
      t.regex(
        diagnosis.of('problem'),
        new RegExp(`^${check}: Nothing can be written at .*: ENOSPC -> Make room`, 'm'),
      );
    t.deepEqual(
      diagnosis.stderr.trim().split('\n'),
      ['filler', 'home', 'run'].map((name) => `${full}/${name}`),
    );
  },
);

test.serial('a store that is mounted read-only is told as a fact', async (t) => {
  const sandbox = await sandboxOf(t);
  await sandbox.expect('create', 'demo', '--without-pip');
  const store = sandbox.path('home', 'store');
  await mkdir(sandbox.path('home', 'store', 'v1', 'tmp'), { recursive: true });
  const script = `mount --bind ${store} ${store}\nmount -o remount,bind,ro ${store}`;
  const finished = await inBrokenSystem(t, sandbox, script, doctorCommand('store'));
  if (!finished) return;
  const diagnosis = diagnosisOf(finished);
  t.is(diagnosis.status, 0, diagnosis.of('problem'));
  t.regex(diagnosis.of('ok'), /^store: .* is read-only for this user \(EROFS\)/m);
});

test.serial('few descriptors are a problem', async (t) => {
  const sandbox = await sandboxOf(t);
  const finished = await sandbox.run('sh', [
    '-c',
    'ulimit -n 128; exec "$@"',
    '-',
    ...doctorCommand('limits'),
  ]);
  const diagnosis = diagnosisOf(finished);
  t.is(diagnosis.status, unfit);
  t.regex(diagnosis.of('problem'), /^limits: A process may open 128 descriptors.* -> Raise the hard limit/m);
});

test.serial(
  'an interpreter that environments are made of is looked for where it was and elsewhere',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const python = await movableInterpreter(sandbox, await anyInterpreter(), 'first');
    await sandbox.expect('create', 'demo', '--without-pip', '--python', python);
    const before = await diagnose(sandbox, 'interpreters');
    t.regex(before.of('ok'), /^interpreters: Python .* of 'demo' is as it was/m);
    await moveInterpreter(sandbox, python, 'second');
    const after = await diagnose(sandbox, 'interpreters');
    t.is(after.status, unfit);
    t.regex(
      after.of('problem'),
      /^interpreters: .*first.* of 'demo' is gone, and there is .*second.* -> `shenv-fs repair`/m,
    );
  },
);

test.serial('certificates that are not there are a problem', async (t) => {
  const sandbox = await sandboxOf(t);
  sandbox.variables.SSL_CERT_FILE = sandbox.path('absent.pem');
  const diagnosis = await diagnose(sandbox, 'resolvers');
  t.is(diagnosis.status, unfit);
  t.regex(
    diagnosis.of('problem'),
    /^resolvers: SSL_CERT_FILE names .*absent.pem, which cannot be read \(ENOENT\)/m,
  );
});

test.serial(
  'a runtime folder that others may change, or whose sockets would have too long a path, is a problem',
  async (t) => {
    const sandbox = await sandboxOf(t);
    await mkdir(sandbox.path('run'));
    await chmod(sandbox.path('run'), 0o777);
    t.regex(
      (await diagnose(sandbox, 'runtime')).of('problem'),
      /^runtime: .* is open to others -> Set XDG_RUNTIME_DIR/m,
    );
    sandbox.variables.SHENV_RUNTIME = sandbox.path('r'.repeat(80));
    t.regex(
      (await diagnose(sandbox, 'runtime')).of('problem'),
      /^runtime: Paths of sockets .* -> .*shorter path/m,
    );
  },
);

test.serial('with a file where the home should be every check still tells something', async (t) => {
  const sandbox = await sandboxOf(t);
  await writeFile(sandbox.path('home'), '');
  const diagnosis = await diagnose(sandbox, 'home', 'store', 'interpreters', 'mounts', 'limits');
  t.is(diagnosis.status, unfit);
  t.deepEqual(
    [...new Set(diagnosis.findings.map(({ check }) => check))],
    ['home', 'store', 'interpreters', 'mounts', 'limits'],
  );
  t.regex(diagnosis.of('ok'), /^mounts: /m);
});

test.serial('a check that does not exist is a wrong use', async (t) => {
  const sandbox = await sandboxOf(t);
  const { status, stderr } = await sandbox.shenv('doctor', '--only', 'fuse,luck');
  t.is(status, errorCodes.USAGE, stderr);
});

test.serial('interrupted while it tries a mount, it takes the mount away', async (t) => {
  const sandbox = await sandboxOf(t);
  const [node = '', ...args] = doctorCommand('engines');
  const child = spawn(node, args, { env: { ...sandbox.variables, TMPDIR: sandbox.folder }, stdio: 'ignore' });
  const ended = once(child, 'exit');
  await eventually(
    async () => (await mountsBelow(sandbox.folder)).length > 0,
    'something is mounted',
    60_000,
  );
  child.kill('SIGINT');
  t.deepEqual(await ended, [130, null]);
  await eventually(async () => (await mountsBelow(sandbox.folder)).length === 0, 'the mount is gone');
  t.deepEqual(await readdir(sandbox.folder), []);
});

async function mountsBelow(folder: string): Promise<string[]> {
  const mounts = (await listMounts()).map(({ mountpoint }) => mountpoint);
  return mounts.filter((mountpoint) => mountpoint.startsWith(`${folder}/`));
}
