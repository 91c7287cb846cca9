import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { errorCodes } from '../../../src/base/errors.js';
import { findPlaces } from '../../../src/base/paths.js';
import { createBare } from '../../../src/env/bare.js';
import { openWorkspace } from '../../../src/env/workspace.js';
import { createSample } from '../../support/sample-wheels.js';
import { Sandbox } from '../../support/sandbox.js';

interface Listed {
  name: string;
  state: string;
  python: string | null;
}

async function sandboxOf(t: ExecutionContext): Promise<Sandbox> {
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy());
  return sandbox;
}

async function json<T>(sandbox: Sandbox, ...args: string[]): Promise<T> {
  return JSON.parse(await sandbox.expect(...args, '--json')) as T;
}

/** A file that somebody wrote into an environment. */
async function edit(sandbox: Sandbox, name: string): Promise<string> {
  const tree = sandbox.path('home/environments', name, 'upper/tree');
  await mkdir(`${tree}/bin`, { recursive: true });
  await writeFile(`${tree}/bin/own`, 'by hand');
  return `${tree}/bin/own`;
}

test.serial(
  'seal and unseal freeze and thaw what was written, and every command tells the same state',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const { state } = await json<Listed>(sandbox, 'create', 'web', '--without-pip', '--writable');
    t.is(state, 'writable');
    const own = await edit(sandbox, 'web');
    const sealed = await json<object>(sandbox, 'seal', 'web');
    t.like(sealed, { name: 'web', state: 'sealed', wasWritable: true });
    const folder = sandbox.path('home/environments/web');
    t.true((await readdir(folder)).some((file) => file.endsWith('.sealed')));
    t.true((await readdir(`${folder}/upper`)).includes('frozen'));
    t.like(await json<object>(sandbox, 'show', 'web'), { state: 'sealed', hasLocalEdits: true });
    t.like(await json<object>(sandbox, 'unseal', 'web'), {
      state: 'writable',
      wasSealed: true,
      wasWritable: false,
    });
    t.deepEqual((await readdir(folder)).sort(), ['00000001.manifest', 'upper']);
    t.is(await readFile(own, 'utf8'), 'by hand');
    t.like(await json<object>(sandbox, 'unseal', 'web'), {
      state: 'writable',
      wasSealed: false,
      wasWritable: true,
    });
    t.regex(await sandbox.expect('list'), /^web +\S+ +writable +1 /m);
    t.like(await json<object>(sandbox, 'show', 'web@1'), { state: 'sealed', hasLocalEdits: false });
  },
);

test.serial('an environment that was made as ever gets its upper layer when it is unsealed', async (t) => {
  const sandbox = await sandboxOf(t);
  await sandbox.expect('create', 'web', '--without-pip');
  t.is((await json<Listed[]>(sandbox, 'list'))[0]!.state, 'sealed');
  t.regex(await sandbox.expect('unseal', 'web'), /^'web' can be written to now\n$/);
  t.true((await stat(sandbox.path('home/environments/web/upper/tree'))).isDirectory());
});

test.serial(
  'what is written for others is refused where it would lack local edits, unless that is asked for',
  async (t) => {
    const sandbox = await sandboxOf(t);
    await createSample(sandbox, 'web', '--writable');
    await sandbox.expect('export', 'web', 'before');
    await edit(sandbox, 'web');
    for (const [command, target] of [
      ['export', 'after'],
      ['pack', 'web.shenv'],
    ] as const) {
      const refused = await sandbox.shenv(command, 'web', target);
      t.is(refused.status, errorCodes.HAS_LOCAL_EDITS, refused.stderr);
      t.regex(refused.stderr, /'web' has local edits, .*\n {2}-> .*--ignore-edits/);
      await sandbox.expect(command, 'web', target, '--ignore-edits');
    }
    await sandbox.expect('export', 'web@1', 'first');
    for (const command of ['freeze', 'check', 'tree']) {
      const { status, stdout, stderr } = await sandbox.shenv(command, 'web');
      t.is(status, 0, stderr);
      t.regex(stderr, /^shenv-fs: 'web' has local edits, which are left out here\n/, command);
      t.notRegex(stdout, /local edits/);
    }
  },
);

test.serial(
  'a bare environment disturbs no command, and what needs its interpreter says that it has none',
  async (t) => {
    const sandbox = await sandboxOf(t);
    await createBare(openWorkspace(findPlaces(sandbox.variables)), 'new');
    await sandbox.expect('create', 'web', '--without-pip');
    const [bare] = await json<Listed[]>(sandbox, 'list');
    t.like(bare, { name: 'new', state: 'bare', python: null });
    t.regex(await sandbox.expect('list'), /^new +- +bare +1 +0 /m);
    t.regex(await sandbox.expect('show', 'new'), /^new: no interpreter yet, bare, generation 1\n/);
    for (const command of [
      ['status'],
      ['check'],
      ['repair'],
      ['who-uses', 'pip'],
      ['history', 'new'],
      ['show', 'new', '--dump'],
      ['store', 'gc'],
      ['store', 'verify'],
      ['store', 'du'],
    ]) {
      const { status, stderr } = await sandbox.shenv(...command);
      t.is(status, 0, `${command.join(' ')}: ${stderr}`);
    }
    for (const command of [
      ['tree', 'new'],
      ['freeze', 'new'],
      ['lock', 'new'],
      ['install', 'new', 'x'],
      ['pack', 'new', 'p'],
      ['export', 'new', 'e'],
      ['create', 'child', '--inherit', 'new'],
      ['run', 'new', 'true'],
    ]) {
      const { status, stderr } = await sandbox.shenv(...command);
      t.is(status, errorCodes.INTERPRETER_NONE, `${command.join(' ')}: ${stderr}`);
      t.regex(stderr, /\n {2}-> .*python -m venv/);
    }
    t.like(await json<object>(sandbox, 'seal', 'new'), { state: 'sealed', bytes: null });
    t.like(await json<object>(sandbox, 'unseal', 'new'), { state: 'bare' });
    await sandbox.expect('rename', 'new', 'newer');
    await sandbox.expect('clone', 'newer', 'copy');
    await sandbox.expect('delete', 'newer', 'copy');
  },
);

test.serial('an environment is not made sealed and writable at once', async (t) => {
  const sandbox = await sandboxOf(t);
  const { status } = await sandbox.shenv('create', 'web', '--without-pip', '--seal', '--writable');
  t.is(status, errorCodes.USAGE);
  t.deepEqual(await json(sandbox, 'list'), []);
});
