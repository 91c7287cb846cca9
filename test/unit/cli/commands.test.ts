import { writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { errorCodes } from '../../../src/base/errors.js';
import { Sandbox } from '../../support/sandbox.js';
import { writeWheel } from '../../support/wheel-builder.js';

async function sandboxOf(t: ExecutionContext): Promise<Sandbox> {
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy());
  return sandbox;
}

const commands = [
  ['create'],
  ['delete'],
  ['list'],
  ['show'],
  ['python'],
  ['repair'],
  ['mount'],
  ['unmount'],
  ['status'],
  ['store', 'add'],
  ['store', 'list'],
  ['store', 'dump'],
  ['run'],
  ['shell'],
  ['completion'],
  ['who-uses'],
  ['hold'],
  ['unhold'],
  ['export'],
  ['import'],
  ['pack'],
  ['unpack'],
];
for (const command of commands) {
  test.serial(`the help of ${command.join(' ')} tells its use and shows an example`, async (t) => {
    const sandbox = await sandboxOf(t);
    const { status, stdout } = await sandbox.shenv(...command, '--help');
    t.is(status, 0);
    t.true(
      stdout.startsWith(`Usage: shenv-fs ${command[0] === 'store' ? 'store ' : ''}${command.at(-1)}`),
      stdout,
    );
    t.regex(stdout, new RegExp(`Examples?:\\n {2}\\$ .*shenv-fs ${command.join(' ')}`));
  });
}

test.serial('the help of the program names every command and shows examples', async (t) => {
  const { status, stdout } = await (await sandboxOf(t)).shenv('--help');
  t.is(status, 0);
  for (const [name] of commands) t.regex(stdout, new RegExp(`^ {2}${name}\\b`, 'm'));
  t.regex(stdout, /Examples:/);
});

for (const args of [
  ['nonsense'],
  ['list', '--nonsense'],
  ['show'],
  ['mount', '--engine', 'x'],
  ['mount', '--du', 'x'],
]) {
  test.serial(`shenv-fs ${args.join(' ')} is a wrong use: exit status 2, nothing on stdout`, async (t) => {
    const { status, stdout, stderr } = await (await sandboxOf(t)).shenv(...args);
    t.is(status, 2);
    t.is(stdout, '');
    t.regex(stderr, /^shenv-fs: .+ \[USAGE\]\n {2}-> .*`shenv-fs.* --help` tells its use\.\n$/);
  });
}

const failures: [keyof typeof errorCodes, string[]][] = [
  ['ENVIRONMENT_NAME', ['create', 'a/b', '--without-pip']],
  ['ENVIRONMENT_MISSING', ['show', 'demo@3']],
  ['ENVIRONMENT_MISSING', ['show', 'ghost']],
  ['ENVIRONMENT_MISSING', ['delete', 'ghost']],
  ['INTERPRETER_MISSING', ['create', 'demo', '--python', '3.99', '--without-pip']],
  ['INTERPRETER_UNUSABLE', ['create', 'demo', '--python', '/bin/true', '--without-pip']],
  ['INTERPRETER_MISSING', ['create', 'demo', '--python', '/no/such/python', '--without-pip']],
  ['NOT_MOUNTED', ['unmount', './nothing']],
  ['NOT_MOUNTED', ['status', './nothing']],
  ['WHEEL_NAME', ['store', 'add', 'not-a-wheel.zip']],
  ['WHEEL_ARCHIVE', ['store', 'add', 'broken-1.0-py3-none-any.whl']],
  ['IMAGE_DAMAGED', ['store', 'dump', 'broken-1.0-py3-none-any.whl']],
  ['USAGE', ['mount', './mnt', '--threads', 'many']],
];
for (const [code, args] of failures) {
  test.serial(
    `shenv-fs ${args.join(' ')} fails with ${code}: its exit status, one line of cause, one of remedy`,
    async (t) => {
      const sandbox = await sandboxOf(t);
      await writeFile(sandbox.path('broken-1.0-py3-none-any.whl'), 'broken');
      const { status, stdout, stderr } = await sandbox.shenv(...args);
      t.is(status, errorCodes[code], stderr);
      t.is(stdout, '');
      const lines = stderr.trimEnd().split('\n');
      t.is(lines.length, 2, stderr);
      t.regex(lines[0]!, new RegExp(`^shenv-fs: .+ \\[${code}\\]$`));
      t.regex(lines[1]!, /^ {2}-> .+/);
    },
  );
}

for (const args of [
  ['store', 'add', 'absent-1.0-py3-none-any.whl'],
  ['store', 'dump', 'absent.img'],
]) {
  test.serial(`shenv-fs ${args.join(' ')} names the file that is not there, without a stack`, async (t) => {
    const { status, stderr } = await (await sandboxOf(t)).shenv(...args);
    t.not(status, 0);
    t.true(stderr.includes(args.at(-1)!), stderr);
    t.notRegex(stderr, /\n\s+at /);
    t.is(stderr.trimEnd().split('\n').length, 2);
  });
}

test.serial('create, list, show and delete tell the same of an environment', async (t) => {
  const sandbox = await sandboxOf(t);
  t.regex(await sandbox.expect('list'), /No environments/);
  await sandbox.expect('create', 'two words', '--without-pip');
  const [listed] = JSON.parse(await sandbox.expect('list', '--json')) as { name: string; python: string }[];
  t.is(listed!.name, 'two words');
  const shown = JSON.parse(await sandbox.expect('show', 'two words', '--json')) as { python: string };
  t.is(shown.python, listed!.python);
  t.regex(await sandbox.expect('show', 'two words', '--dump'), /^shenv-fs manifest 2\nname two words\n/);
  const again = await sandbox.shenv('create', 'two words', '--without-pip');
  t.is(again.status, errorCodes.ENVIRONMENT_EXISTS);
  await sandbox.expect('delete', 'two words');
  t.deepEqual(JSON.parse(await sandbox.expect('list', '--json')), []);
});

test.serial('delete of several names deletes none when one of them is missing', async (t) => {
  const sandbox = await sandboxOf(t);
  await sandbox.expect('create', 'one', '--without-pip');
  t.is((await sandbox.shenv('delete', 'one', 'ghost')).status, errorCodes.ENVIRONMENT_MISSING);
  t.is((JSON.parse(await sandbox.expect('list', '--json')) as unknown[]).length, 1);
});

test.serial('one damaged environment does not keep `list` from showing the others', async (t) => {
  const sandbox = await sandboxOf(t);
  for (const name of ['bad', 'good']) await sandbox.expect('create', name, '--without-pip');
  await writeFile(sandbox.path('home', 'environments', 'bad', '00000001.manifest'), 'damaged');
  const { stdout, stderr } = await sandbox.shenv('list');
  t.regex(stdout, /^good\b/m, stderr);
});

test.serial(
  'a file of one distribution where another has a directory: nothing of the environment is left',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const folder = sandbox.path('wheels');
    await writeWheel(folder, { name: 'one', files: { thing: 'a file' } });
    await writeWheel(folder, { name: 'two', files: { 'thing/__init__.py': '' } });
    const source = ['--without-pip', '--no-index', '--find-links', folder];
    const { status, stderr } = await sandbox.shenv('create', 'demo', 'one', 'two', ...source);
    t.is(status, errorCodes.PATH_CONFLICT, stderr);
    t.regex(stderr, /site-packages\/thing' is a file of one 1\.0 and a directory of two 1\.0/);
    t.deepEqual(JSON.parse(await sandbox.expect('list', '--json')), []);
    await sandbox.expect('create', 'demo', 'one', ...source);
  },
);

test.serial('two wheels that own one file: the later is shown, and create says so', async (t) => {
  const sandbox = await sandboxOf(t);
  const folder = sandbox.path('wheels');
  for (const name of ['one', 'two']) await writeWheel(folder, { name, files: { 'shared.py': `# ${name}` } });
  const source = ['--without-pip', '--no-index', '--find-links', folder];
  const told = await sandbox.expect('create', 'demo', 'one', 'two', ...source);
  t.regex(told, /note: '.*shared\.py' is in two 1\.0 and one 1\.0; the latter is shown/);
});

test.serial('a requirement that no index has fails with what pip said', async (t) => {
  const sandbox = await sandboxOf(t);
  const source = ['--without-pip', '--no-index', '--find-links', sandbox.folder];
  const { status, stderr } = await sandbox.shenv('create', 'demo', 'no-such-distribution', ...source);
  t.is(status, errorCodes.RESOLVER_FAILED);
  t.regex(stderr, /no-such-distribution/);
});
