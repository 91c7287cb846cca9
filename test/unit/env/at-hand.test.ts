import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import test from 'ava';
import { Environments } from '../../../src/env/environments.js';
import { isPipTold } from '../../../src/env/pip-configuration.js';
import { bestWheel, listSources, unclear } from '../../../src/env/wheel-folders.js';
import { sandboxOf } from '../../support/mounts.js';
import { createDemo, fails, writePackages } from '../../support/packages.js';
import type { Sandbox } from '../../support/sandbox.js';

const tags = ['cp311-cp311-linux_x86_64', 'py3-none-any'];
const wheel = (version: string, tag = 'py3-none-any') => `/w/alpha-${version}-${tag}.whl`;
const best = (files: string[], specifier = '') => bestWheel(files, { name: 'Alpha', specifier }, tags);

test('of wheels in a folder the highest version that is allowed is taken, then the best tags', (t) => {
  const newest = wheel('1.10', 'cp311-cp311-linux_x86_64');
  const files = [wheel('1.9'), wheel('1.10'), wheel('1.10', 'cp311-cp311-linux_x86_64'), wheel('1.2')];
  t.is(best(files), wheel('1.10', 'cp311-cp311-linux_x86_64'));
  t.is(best(files, '<1.10'), wheel('1.9'));
  t.is(best([...files, '/w/alphabet-3.0-py3-none-any.whl', '/w/alpha_beta-4.0-py3-none-any.whl']), newest);
  t.is(best([...files, wheel('2.0', 'cp312-cp312-linux_x86_64')]), newest);
});

test('sources, pre-releases, builds, equals and nothing at all are left to pip', (t) => {
  for (const other of ['/w/alpha-1.0.tar.gz', '/w/alpha-1.0.zip', wheel('1.5rc1'), '/w/alpha-nonsense.whl'])
    t.is(best([wheel('2.0'), other]), unclear, other);
  t.is(best(['/w/alpha-2.0-1-py3-none-any.whl']), unclear);
  t.is(best([wheel('2.0'), wheel('2.0.0')]), unclear);
  t.is(best([]), unclear);
  t.is(best([wheel('2.0')], '>2'), unclear);
});

test('only folders of this machine as the only source are looked into', async (t) => {
  const sandbox = await sandboxOf(t);
  await mkdir(sandbox.path('w'));
  await writeFile(sandbox.path('w', 'x.whl'), '');
  const folder = ['--find-links', sandbox.path('w')];
  t.deepEqual(await listSources(['--no-index', ...folder]), [sandbox.path('w', 'x.whl')]);
  t.deepEqual(await listSources(['--no-index', '--find-links', `file://${sandbox.path('w')}`, ...folder]), [
    sandbox.path('w', 'x.whl'),
    sandbox.path('w', 'x.whl'),
  ]);
  t.is(await listSources(folder), unclear);
  t.is(await listSources(['--no-index', '--find-links', 'https://x.example/']), unclear);
  t.is(await listSources(['--no-index', '--find-links', sandbox.path('w', 'x.whl')]), unclear);
  t.is(await listSources(['--no-index', '--find-links', sandbox.path('none')]), unclear);
  t.is(await listSources(['--no-index', '--index-url', 'https://x.example/', ...folder]), unclear);
  await writeFile(sandbox.path('w', 'index.html'), '');
  t.is(await listSources(['--no-index', ...folder]), unclear);
});

test('variables and configuration files of pip that say what to choose are noticed', async (t) => {
  const sandbox = await sandboxOf(t);
  const python = sandbox.path('py', 'bin', 'python');
  const own = { HOME: sandbox.folder, XDG_CONFIG_DIRS: sandbox.path('xdg'), PIP_CONFIG_FILE: '/dev/null' };
  t.false(await isPipTold(python, [], { ...own, PIP_DEFAULT_TIMEOUT: '9', PIP_INDEX_URL: 'x' }));
  t.true(await isPipTold(python, [], { ...own, PIP_CONSTRAINT: 'x' }));
  t.true(await isPipTold(python, [], { ...own, PIP_FIND_LINKS: 'x' }));
  t.false(await isPipTold(python, ['find-links'], { ...own, PIP_FIND_LINKS: 'x' }));
  await mkdir(sandbox.path('xdg', 'pip'), { recursive: true });
  await writeFile(
    sandbox.path('xdg', 'pip', 'pip.conf'),
    '[install]\n# no-binary = x\nonly_binary = :all:\n',
  );
  t.false(await isPipTold(python, [], own));
  const { PIP_CONFIG_FILE: _, ...others } = own;
  t.true(await isPipTold(python, [], others));
  const told = { ...others, XDG_CONFIG_DIRS: sandbox.path('none') };
  const file = sandbox.path('.pip', 'pip.conf');
  const ofMachine = await isPipTold(python, [], told);
  await mkdir(file, { recursive: true });
  t.true(await isPipTold(python, [], told), 'what cannot be read');
  await rm(file, { recursive: true });
  await writeFile(file, '[global]\n  timeout = 5\n');
  t.is(await isPipTold(python, [], told), ofMachine);
  await writeFile(file, '[global]\n  timeout = 5\n  constraint = x\n');
  t.true(await isPipTold(python, [], told), 'an indented setting');
  await rm(file);
  await mkdir(sandbox.path('real', 'bin'), { recursive: true });
  await mkdir(sandbox.path('py', 'bin'), { recursive: true });
  await writeFile(sandbox.path('real', 'bin', 'python'), '');
  await symlink(sandbox.path('real', 'bin', 'python'), python);
  await writeFile(sandbox.path('real', 'pip.conf'), '[install]\nno-binary = x\n');
  t.true(await isPipTold(python, [], told), 'beside the interpreter that a link leads to');
});

/** From now on a pip that runs fails: it does not understand its settings. */
function breakPip(sandbox: Sandbox): void {
  for (const name of Object.keys(sandbox.variables))
    if (name.startsWith('PIP_')) delete sandbox.variables[name];
  Object.assign(sandbox.variables, { PIP_CONFIG_FILE: '/dev/null', PIP_RETRIES: 'none' });
}

async function shown(sandbox: Sandbox, name: string): Promise<unknown> {
  const { layers, requested } = await new Environments(sandbox.path('home')).read(name);
  return { layers, requested };
}

test.serial('what needs no resolver is installed without pip, with its result', async (t) => {
  const sandbox = await sandboxOf(t);
  const { folder, source } = await writePackages(sandbox);
  breakPip(sandbox);
  await createDemo(sandbox, 'beta<2', ...source);
  await sandbox.expect('clone', 'demo', 'other');
  const changes = [
    ['beta', 'delta', ...source],
    ['beta>1', ...source],
    [`${folder}/alpha-2.0-py3-none-any.whl`, ...source],
    ['alpha<2', ...source],
  ];
  for (const change of changes) await sandbox.expect('install', 'demo', ...change);
  // An empty constraints file changes nothing and leads to pip.
  await writeFile(sandbox.path('none.txt'), '');
  const byPip = ['-c', sandbox.path('none.txt')];
  await fails(
    t,
    sandbox,
    { code: 'RESOLVER_FAILED', says: /retries/ },
    'install',
    'other',
    'beta',
    ...source,
    ...byPip,
  );
  delete sandbox.variables.PIP_RETRIES;
  for (const change of changes) await sandbox.expect('install', 'other', ...change, ...byPip);
  t.deepEqual(await shown(sandbox, 'demo'), await shown(sandbox, 'other'));
});

test.serial('what has a dependency that is not there goes to pip', async (t) => {
  const sandbox = await sandboxOf(t);
  const { folder, source } = await writePackages(sandbox);
  await createDemo(sandbox);
  breakPip(sandbox);
  const wheels = [`${folder}/alpha-2.0-py3-none-any.whl`, ...source];
  await fails(t, sandbox, { code: 'RESOLVER_FAILED', says: /retries/ }, 'install', 'demo', ...wheels);
  await sandbox.expect('install', 'demo', ...wheels, '--no-deps');
});
