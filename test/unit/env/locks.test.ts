import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { unless } from '../../../src/base/errors.js';
import { anyInterpreter, skip } from '../../support/interpreters.js';
import { sandboxOf } from '../../support/mounts.js';
import { change, createDemo, fails, frozen, writePackages } from '../../support/packages.js';
import { must } from '../../support/project.js';
import type { Sandbox } from '../../support/sandbox.js';

/** The newest release of a tool of the index, in a folder of the sandbox; undefined where it cannot be had. */
async function fetchTool(sandbox: Sandbox, requirement: string): Promise<string | undefined> {
  const { baseExecutable: python, ensurepipWheel } = await anyInterpreter();
  const target = sandbox.path('tool');
  const pip = [
    join(ensurepipWheel!, 'pip'),
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
  ];
  const { status } = await sandbox.run(python, [...pip, '--no-compile', '--target', target, requirement]);
  return status === 0 ? target : undefined;
}

/** Puts uv on the PATH of the sandbox; false, and the test passes, where it cannot be had. */
async function uvOrSkip(t: ExecutionContext, sandbox: Sandbox): Promise<boolean> {
  sandbox.variables.UV_CACHE_DIR = sandbox.path('uv-cache');
  sandbox.variables.UV_NO_CONFIG = '1';
  for (const folder of (process.env.PATH ?? '').split(':')) {
    if (
      (await unless(
        'ENOENT',
        access(join(folder, 'uv')).then(() => true),
      )) === true
    )
      return true;
  }
  const target = await fetchTool(sandbox, 'uv');
  if (target === undefined) skip(t, 'there is no uv on PATH and it cannot be fetched');
  else sandbox.variables.PATH = `${join(target, 'bin')}:${process.env.PATH}`;
  return target !== undefined;
}

test.serial(
  'uv installs from our lock what we show, and we from its locks; it can choose for us',
  async (t) => {
    const sandbox = await sandboxOf(t);
    if (!(await uvOrSkip(t, sandbox))) return;
    const { source } = await writePackages(sandbox);
    const { executable: python } = await anyInterpreter();
    await createDemo(sandbox, '--python', python, 'alpha<2', 'gamma[fast]', ...source);
    const held = await frozen(sandbox);

    await sandbox.expect('lock', 'demo', '-o', 'pylock.toml', ...source);
    await must(sandbox, 'uv', 'venv', '--quiet', '--python', python, 'venv');
    await must(sandbox, 'uv', 'pip', 'sync', '--offline', '--python', 'venv', 'pylock.toml');
    const installed = await must(sandbox, 'uv', 'pip', 'freeze', '--python', 'venv');
    t.deepEqual(installed.trim().split('\n'), held);

    await writeFile(sandbox.path('r.in'), 'alpha<2\ngamma[fast]\n');
    const compile = ['pip', 'compile', '--quiet', '--offline', '--python', python, '--format', 'pylock.toml'];
    await must(sandbox, 'uv', ...compile, ...source, 'r.in', '-o', 'pylock.uv.toml');
    await sandbox.expect('create', 'locked', '--python', python, '--without-pip', '-r', 'pylock.uv.toml');
    t.deepEqual(await frozen(sandbox, 'locked'), held);

    const byUv = ['--python', python, '--without-pip', '--no-bytecode', '--resolver', 'uv', ...source];
    await sandbox.expect('create', 'chosen', ...byUv, 'alpha<2', 'gamma[fast]');
    t.deepEqual(await frozen(sandbox, 'chosen'), held);
    await sandbox.expect('create', 'listed', ...byUv, '-r', 'r.in', '--trusted-host', 'h.example');
    t.deepEqual(await frozen(sandbox, 'listed'), held);
    const pruned = await change(sandbox, 'remove', 'listed', 'gamma', '--prune');
    t.deepEqual(
      pruned.removed.map(({ name }) => name).sort(),
      ['delta', 'gamma'],
      'alpha was asked for in the file',
    );
    const kept = await change(sandbox, 'install', 'listed', 'alpha', '--resolver', 'uv', ...source);
    t.deepEqual([kept.added, kept.replaced], [[], []], 'what satisfies the requirements stays');
    const newer = await change(sandbox, 'install', 'listed', '-U', 'alpha', '--resolver', 'uv', ...source);
    t.deepEqual(
      newer.replaced.map(({ to }) => `${to.name} ${to.version}`),
      ['alpha 2.0'],
    );
  },
);

test.serial('a lock of pip is taken, and leads to what pip chose', async (t) => {
  const sandbox = await sandboxOf(t);
  const target = await fetchTool(sandbox, 'pip>=25.1');
  if (target === undefined) return skip(t, 'pip 25.1 cannot be fetched');
  const { source } = await writePackages(sandbox);
  const { executable: python } = await anyInterpreter();
  const pip = [join(target, 'pip'), 'lock', '--quiet', '--disable-pip-version-check', ...source];
  await must(sandbox, python, ...pip, '-o', 'pylock.toml', 'alpha<2', 'gamma[fast]');
  await createDemo(sandbox, '--python', python, '-r', 'pylock.toml');
  t.deepEqual(await frozen(sandbox), ['alpha==1.0', 'beta==1.0', 'delta==1.0', 'gamma==1.0']);
});

test.serial('without uv on PATH --resolver uv says so', async (t) => {
  const sandbox = await sandboxOf(t);
  const { executable } = await anyInterpreter();
  sandbox.variables.PATH = '/nowhere';
  const options = ['--python', executable, '--without-pip', '--resolver', 'uv', '--no-index'];
  await fails(
    t,
    sandbox,
    { code: 'RESOLVER_MISSING', says: /no uv on PATH/ },
    'create',
    'demo',
    ...options,
    'alpha',
  );
});
