import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { errorCodes } from '../../src/base/errors.js';
import { listMounts } from '../../src/mount/mountpoint.js';
import { skip } from '../support/interpreters.js';
import { mountedTest, sandboxOf } from '../support/mounts.js';
import { createSample } from '../support/sample-wheels.js';
import { program, type Sandbox } from '../support/sandbox.js';
import { requireShell, start } from '../support/shells.js';

const lines = (...text: string[]) => `${text.join('\n')}\n`;

mountedTest('run gives a command the environment and its exit status', async (t, { sandbox, mountpoint }) => {
  await createSample(sandbox, 'demo');
  const root = join(mountpoint, 'demo');
  Object.assign(sandbox.variables, { PYTHONHOME: '/nonexistent', VIRTUAL_ENV: '' });
  const script = 'echo "$VIRTUAL_ENV|$PYTHONHOME|$SHENV_HOME"; echo "$PATH"; command -v python; exit 7';
  const shown = await sandbox.shenv('run', 'demo', '--', 'sh', '-c', script);
  t.is(shown.status, 7, shown.stderr);
  t.is(shown.stderr, '');
  const path = `${root}/bin:${sandbox.variables.PATH}`;
  t.is(shown.stdout, lines(`${root}||${sandbox.variables.SHENV_HOME}`, path, `${root}/bin/python`));
  t.is(await sandbox.expect('run', 'demo', 'alpha', '--', '--json'), 'alpha runs -- --json\n');
});

mountedTest(
  'run ends with 128 and the number of the signal that ended the command',
  async (t, { sandbox }) => {
    await sandbox.expect('create', 'demo', '--without-pip');
    const { status } = await sandbox.shenv('run', 'demo', '--', 'sh', '-c', 'kill -KILL $$');
    t.is(status, 128 + 9);
  },
);

mountedTest('run names a program that there is none of', async (t, { sandbox }) => {
  await sandbox.expect('create', 'demo', '--without-pip');
  await writeFile(sandbox.path('plain'), '');
  for (const name of ['no-such-program', './no-such-program', './plain']) {
    const { status, stderr } = await sandbox.shenv('run', 'demo', '--', name);
    t.is(status, errorCodes.PROGRAM_MISSING);
    t.regex(stderr, /^shenv-fs: .+ \[PROGRAM_MISSING\]\n {2}-> .+\n$/);
    t.true(stderr.includes(`'${name}'`), stderr);
  }
});

mountedTest(
  'run of one environment inside another leaves the outer one',
  async (t, { sandbox, mountpoint }) => {
    for (const name of ['outer', 'inner']) await sandbox.expect('create', name, '--without-pip');
    const inner = [process.execPath, program, 'run', 'inner', '--', 'sh', '-c', 'echo "$VIRTUAL_ENV $PATH"'];
    const [active, path] = (await sandbox.expect('run', 'outer', '--', ...inner)).trim().split(' ');
    t.is(active, join(mountpoint, 'inner'));
    t.true(path!.startsWith(`${join(mountpoint, 'inner', 'bin')}:`), path);
    t.false(path!.includes(join(mountpoint, 'outer')), path);
  },
);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  mountedTest(`run hands ${signal} on to the command and ends with its status`, async (t, { sandbox }) => {
    await sandbox.expect('create', 'demo', '--without-pip');
    const script = `trap 'echo caught; exit 5' ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`;
    let sent = false;
    const finished = await start(process.execPath, [program, 'run', 'demo', '--', 'sh', '-c', script], {
      env: sandbox.variables,
      cwd: sandbox.folder,
      onOutput: (_, pid) => {
        if (!sent) process.kill(pid, signal);
        sent = true;
      },
    });
    t.deepEqual(finished, { status: 5, stdout: 'ready\ncaught\n', stderr: '' });
  });
}

/** Types Ctrl-C into a terminal in which a command runs, then `end`; prints what the terminal showed. */
const terminal = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
shown = b""
def show_until(text):
    global shown
    while text not in shown:
        shown += os.read(terminal, 4096)
show_until(b"ready")
os.write(terminal, b"\\x03")
show_until(b"interrupted")
os.write(terminal, b"end\\n")
show_until(b"times")
print(shown.decode(), os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
`;

const counter = `
import os, signal, sys
count = 0
def interrupt(*_):
    global count
    count += 1
    os.write(1, b"interrupted\\n")  # print may be at work on "ready" still, and is not reentrant
signal.signal(signal.SIGINT, interrupt)
print("ready", flush=True)
sys.stdin.readline()
print(count, "times", flush=True)
sys.exit(3)
`;

mountedTest('Ctrl-C in a terminal reaches the command of run once', async (t, { sandbox, mountpoint }) => {
  await sandbox.expect('create', 'demo', '--without-pip');
  const python = join(mountpoint, 'demo', 'bin', 'python');
  const words = [process.execPath, program, 'run', 'demo', 'python', '-c', counter];
  const finished = await start(python, ['-c', terminal, ...words], {
    env: sandbox.variables,
    cwd: sandbox.folder,
  });
  t.regex(finished.stdout, /\b1 times\s+3\n$/, finished.stderr);
});

/** A user with start-up files for each shell, who has no mount yet; one is taken away in the end. */
async function prepareUser(t: ExecutionContext): Promise<Sandbox | undefined> {
  const sandbox = await sandboxOf(t);
  const home = sandbox.path('user');
  Object.assign(sandbox.variables, { HOME: home, TMPDIR: sandbox.path('tmp'), TERM: 'dumb' });
  for (const name of ['XDG_CONFIG_HOME', 'ZDOTDIR', 'VIRTUAL_ENV']) delete sandbox.variables[name];
  t.teardown(() => sandbox.shenv('unmount', '--lazy'));
  await mkdir(join(home, '.config', 'fish'), { recursive: true });
  await mkdir(sandbox.path('tmp'));
  await writeFile(join(home, '.bashrc'), 'FROM_USER=bashrc\n');
  await writeFile(join(home, '.zshenv'), 'FROM_USER=zshenv\n');
  await writeFile(join(home, '.zshrc'), 'FROM_USER=$FROM_USER-zshrc\n');
  await writeFile(join(home, '.config', 'fish', 'config.fish'), 'set FROM_USER fish\n');
  for (const name of ['two words', 'inner']) await sandbox.expect('create', name, '--without-pip');
  const probe = await sandbox.shenv('run', 'inner', 'true');
  if (probe.status === 0) return sandbox;
  skip(t, `nothing can be mounted here: ${probe.stderr}`);
  return undefined;
}

const shells = [
  { shell: 'bash', fromUser: 'bashrc', activated: true },
  { shell: 'zsh', fromUser: 'zshenv-zshrc', activated: true },
  { shell: 'fish', fromUser: 'fish', activated: true },
  { shell: 'dash', fromUser: '', activated: false },
];
for (const { shell, fromUser, activated } of shells) {
  test.serial(
    `shell (${shell}, where it is installed): the environment is active until it ends`,
    async (t) => {
      const path = await requireShell(t, shell);
      const sandbox = path && (await prepareUser(t));
      if (!sandbox) return;
      const shenv = `'${process.execPath}' '${program}'`;
      const input = lines(
        'echo "<$VIRTUAL_ENV|$FROM_USER|$ZDOTDIR>"',
        'command -v python',
        `echo 'echo "<$VIRTUAL_ENV>"' | ${shenv} shell inner`,
        'echo "<$VIRTUAL_ENV>"',
        ...(activated ? ['deactivate', 'echo "<$VIRTUAL_ENV>"'] : []),
        'exit 3',
      );
      // fish reads commands from a pipe, but not from the socket that Node gives a child as stdin.
      const piped = ['-c', 'cat | "$@"', '-', process.execPath, program, 'shell', 'two words'];
      const env = { ...sandbox.variables, SHELL: path };
      const finished = await start('sh', piped, {
        env,
        cwd: sandbox.folder,
        input,
      });
      const folder = (name: string) => sandbox.path('user', '.venvs', name);
      t.is(finished.status, 3, finished.stderr);
      t.deepEqual(finished.stdout.match(/<.*>|\S.*\/python$/gm), [
        `<${folder('two words')}|${fromUser}|>`,
        `${folder('two words')}/bin/python`,
        `<${folder('inner')}>`,
        `<${folder('two words')}>`,
        ...(activated ? ['<>'] : []),
      ]);
      t.deepEqual(await readdir(sandbox.path('tmp')), []);
    },
  );
}

test.serial('SIGTERM ends the shell, and leaves no temporary file', async (t) => {
  const sandbox = await prepareUser(t);
  if (!sandbox) return;
  let sent = false;
  const { status, stdout } = await start(process.execPath, [program, 'shell', 'inner'], {
    env: { ...sandbox.variables, SHELL: '/bin/bash' },
    cwd: sandbox.folder,
    input: 'echo ready; while :; do sleep 0.05; done\n',
    onOutput: (_, pid) => {
      if (!sent) process.kill(pid, 'SIGTERM');
      sent = true;
    },
  });
  t.is(stdout, 'ready\n');
  t.is(status, 128 + 1);
  t.deepEqual(await readdir(sandbox.path('tmp')), []);
});

test.serial('run and shell mount where nothing is mounted, and say so in one line', async (t) => {
  const sandbox = await prepareUser(t);
  if (!sandbox) return;
  await sandbox.expect('unmount');
  const first = await sandbox.shenv('run', 'inner', '--', 'sh', '-c', 'echo "$VIRTUAL_ENV"');
  t.is(first.stdout, `${sandbox.path('user', '.venvs', 'inner')}\n`, first.stderr);
  t.regex(first.stderr, /^shenv-fs: mounted .+\.venvs; .*unmount.*\n$/);
  const second = await sandbox.shenv('run', 'inner', '--', 'true');
  t.is(second.stderr, '');
});

test.serial('commands that start at once where nothing is mounted start one mount for all', async (t) => {
  const sandbox = await prepareUser(t);
  if (!sandbox) return;
  await sandbox.expect('unmount');
  const runs = await Promise.all([1, 2, 3, 4].map(() => sandbox.shenv('run', 'inner', 'true')));
  t.deepEqual(
    runs.map(({ status }) => status),
    [0, 0, 0, 0],
    runs.map(({ stderr }) => stderr).join(''),
  );
  t.is(runs.filter(({ stderr }) => stderr.includes('mounted')).length, 1);
  const mounts = (await listMounts()).filter(({ mountpoint }) => mountpoint.startsWith(sandbox.folder));
  t.is(mounts.length, 1);
});
