import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { sha256OfFile } from '../../../src/base/digest.js';
import { Environments } from '../../../src/env/environments.js';
import { formatDirectUrl } from '../../../src/view/generated.js';
import { anyInterpreter } from '../../support/interpreters.js';
import { sandboxOf } from '../../support/mounts.js';
import { change, createDemo, fails, frozen, writePackages } from '../../support/packages.js';
import { must, writeProject, writeRepository, writeSdist } from '../../support/project.js';
import type { Sandbox } from '../../support/sandbox.js';

const unreachable = {
  PATH: '/nowhere',
  PIP_INDEX_URL: 'http://127.0.0.1:9',
  PIP_RETRIES: '0',
  PIP_CONFIG_FILE: '/dev/null',
};

/** From now on there is no Python on PATH and pip's index cannot be reached. */
function goOffline(sandbox: Sandbox): void {
  Object.assign(sandbox.variables, unreachable);
  for (const name of ['PIP_FIND_LINKS', 'PIP_NO_INDEX', 'PIP_EXTRA_INDEX_URL'])
    delete sandbox.variables[name];
}

/** What pip itself makes of the requirement: its lines of `freeze`, and direct_url.json. */
async function byPip(sandbox: Sandbox, name: string, ...args: string[]): Promise<[string, string]> {
  const { baseExecutable: python, ensurepipWheel, minor } = await anyInterpreter();
  const venv = sandbox.path(`venv-${name}`);
  await must(sandbox, python, '-m', 'venv', '--without-pip', venv);
  const pip = [join(ensurepipWheel!, 'pip'), '--python', venv, '--disable-pip-version-check'];
  await must(sandbox, python, ...pip, 'install', '--quiet', '--no-index', '--no-deps', ...args);
  const site = join(venv, `lib/python${minor}/site-packages`);
  const [distInfo = ''] = (await readdir(site)).filter((entry) => entry.endsWith('.dist-info'));
  const direct = await readFile(join(site, distInfo, 'direct_url.json'), 'utf8');
  return [await must(sandbox, python, ...pip, 'freeze'), direct];
}

async function byUs(sandbox: Sandbox, name: string, ...args: string[]): Promise<[string, string]> {
  const python = ['--python', (await anyInterpreter()).executable];
  const options = ['--without-pip', '--no-bytecode', '--no-index', '--no-deps'];
  await sandbox.expect('create', name, ...python, ...options, ...args);
  const { layers } = await new Environments(sandbox.path('home')).read(name);
  return [await sandbox.expect('freeze', name), formatDirectUrl(layers[0]!.directUrl)];
}

function withoutHash(text: string): string {
  return text.replace(/#sha256=[0-9a-f]{64}/, '').replace(/"hashe?s?": ("[^"]*"|\{[^}]*\})(, )?/g, '');
}

test.serial('direct_url.json and freeze of what is asked for by place are those of pip', async (t) => {
  const sandbox = await sandboxOf(t);
  const { folder } = await writePackages(sandbox);
  const wheel = `${folder}/delta-1.0-py3-none-any.whl`;
  const cases: [string, string[]][] = [
    ['wheel', [`delta @ file://${wheel}`]],
    ['archive', [await writeSdist(sandbox, sandbox.path('dist'))]],
    ['folder', [await writeProject(sandbox)]],
    ['editable', ['-e', sandbox.path('project')]],
    ['repository', [await writeRepository(sandbox)]],
  ];
  const compare = async ([name, args]: [string, string[]]) => {
    const expected = await byPip(sandbox, name, ...args);
    const found = await byUs(sandbox, name, ...args);
    // pip before 23.1 reports the hash of a file of this machine and does not write it down.
    const isUnhashed = expected.some((text) => text.includes('"archive_info": {}'));
    t.deepEqual(isUnhashed ? found.map(withoutHash) : found, expected, name);
  };
  await Promise.all(cases.map(compare));
});

test.serial('what was asked for by place is upgraded from there and forgotten when removed', async (t) => {
  const sandbox = await sandboxOf(t);
  await writeProject(sandbox);
  await createDemo(sandbox, '--no-index', '-e', 'project');
  const requested = async () => (await new Environments(sandbox.path('home')).read('demo')).requested;
  t.deepEqual(await requested(), [`-e ${sandbox.path('project')}`]);
  t.is((await change(sandbox, 'upgrade', 'demo', '--no-index')).generation, 1, 'the same wheel is built');
  await sandbox.expect('lock', 'demo', '-o', 'pylock.toml');
  const lock = await readFile(sandbox.path('pylock.toml'), 'utf8');
  t.regex(lock, /path = "project"\neditable = true/);
  t.false(lock.includes(sandbox.folder), lock);
  await sandbox.expect('create', 'other', '--without-pip', '--no-bytecode', '-r', 'pylock.toml');
  t.deepEqual(await frozen(sandbox, 'other'), await frozen(sandbox));
  t.is((await change(sandbox, 'upgrade', 'other', '--no-index')).generation, 1);
  await sandbox.expect('remove', 'demo', 'proj');
  t.deepEqual(await requested(), []);
});

test.serial(
  'what was built from a folder is not taken for the release of that name and version',
  async (t) => {
    const sandbox = await sandboxOf(t);
    await writeProject(sandbox);
    const { executable } = await anyInterpreter();
    const options = ['--python', executable, '--without-pip', '--no-bytecode'];
    await sandbox.expect('create', 'editable', ...options, '--no-index', '-e', './project');
    await sandbox.expect('create', 'folder', ...options, '--no-index', './project');
    goOffline(sandbox);
    const refusal = { code: 'RESOLVER_FAILED', says: /proj==0\.1/ } as const;
    await fails(t, sandbox, refusal, 'create', 'other', ...options, 'proj==0.1');
  },
);

test.serial(
  'pinned requirements and a lock need neither pip nor an index when the store has all',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const { source } = await writePackages(sandbox);
    const { executable } = await anyInterpreter();
    const options = ['--python', executable, '--without-pip'];
    await sandbox.expect('create', 'demo', ...options, 'alpha==1.0', 'gamma[fast]', ...source);
    await sandbox.expect('lock', 'demo', '-o', 'pylock.toml', ...source);
    await writeFile(sandbox.path('r.txt'), `${(await frozen(sandbox)).join('\n')}\n`);
    await rm(sandbox.path('wheels'), { recursive: true });
    goOffline(sandbox);
    await sandbox.expect('create', 'pinned', ...options, '-r', 'r.txt');
    await sandbox.expect('create', 'locked', ...options, '-r', 'pylock.toml');
    for (const name of ['pinned', 'locked']) t.deepEqual(await frozen(sandbox, name), await frozen(sandbox));
    const unmet = { code: 'RESOLVER_FAILED', says: /alpha==1\.0/ } as const;
    await fails(t, sandbox, unmet, 'create', 'less', ...options, 'alpha==1.0', 'delta==1.0');
    await sandbox.expect('create', 'exact', ...options, '--no-deps', 'alpha==1.0', 'delta==1.0');
    await rm(sandbox.path('home/store/v1/images/beta'), { recursive: true });
    await fails(
      t,
      sandbox,
      { code: 'RESOLVER_FAILED', says: /beta|alpha/ },
      'create',
      'x',
      ...options,
      '-r',
      'r.txt',
    );
    const absent = await sandbox.shenv('create', 'x', ...options, '-r', 'pylock.toml');
    t.not(absent.status, 0);
    t.regex(absent.stderr, /beta-1\.0-py3-none-any\.whl/);
    const { stdout } = await sandbox.shenv('list', '--json');
    t.false((JSON.parse(stdout) as { name: string }[]).some(({ name }) => name === 'x'));
  },
);

test.serial('a build is used again where its source is pinned by hash', async (t) => {
  const sandbox = await sandboxOf(t);
  const digest = await sha256OfFile(await writeSdist(sandbox, sandbox.path('dist')));
  const { executable } = await anyInterpreter();
  const options = ['--python', executable, '--without-pip', '--no-bytecode'];
  await sandbox.expect('create', 'demo', ...options, '--no-index', '--find-links', 'dist', 'proj');
  await writeFile(sandbox.path('r.txt'), `proj==0.1 --hash=sha256:${digest}\n`);
  goOffline(sandbox);
  await sandbox.expect('create', 'again', ...options, '-r', 'r.txt');
  t.deepEqual(await frozen(sandbox, 'again'), ['proj==0.1']);
});

test.serial(
  'a wheel beside a lock that has another digest is refused, the store stays as it was',
  async (t) => {
    const sandbox = await sandboxOf(t);
    await writePackages(sandbox);
    const hashes = `hashes = { sha256 = "${'0'.repeat(64)}" }`;
    const wheels = `wheels = [{ path = "wheels/delta-1.0-py3-none-any.whl", ${hashes} }]`;
    const lock = `lock-version = "1.0"\n[[packages]]\nname = "delta"\nversion = "1.0"\n${wheels}\n`;
    await writeFile(sandbox.path('pylock.toml'), lock);
    const refusal = { code: 'RESOLVER_FAILED', says: /delta has the SHA-256/ } as const;
    await fails(t, sandbox, refusal, 'create', 'demo', '--without-pip', '-r', 'pylock.toml');
    t.deepEqual(JSON.parse(await sandbox.expect('store', 'list', '--json')), []);
  },
);

test.serial('the wheels of a lock are fetched from its URLs, whatever index is configured', async (t) => {
  const sandbox = await sandboxOf(t);
  const { folder } = await writePackages(sandbox);
  const file = 'delta-1.0-py3-none-any.whl';
  const data = await readFile(join(folder, file));
  const server = createServer((request, response) => response.end(request.url === `/${file}` ? data : ''));
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const hashes = `hashes = { sha256 = "${await sha256OfFile(join(folder, file))}" }`;
  const wheels = `wheels = [{ url = "http://127.0.0.1:${port}/${file}", ${hashes} }]`;
  const lock = `lock-version = "1.0"\n[[packages]]\nname = "delta"\nversion = "1.0"\n${wheels}\n`;
  await writeFile(sandbox.path('pylock.toml'), lock);
  const { executable } = await anyInterpreter();
  goOffline(sandbox);
  await createDemo(sandbox, '--python', executable, '-r', 'pylock.toml');
  t.deepEqual(
    await frozen(sandbox),
    ['delta==1.0'],
    'no direct URL: the lock has it as a wheel of a release',
  );
  t.true((await sandbox.expect('lock', 'demo')).includes(`127.0.0.1:${port}`));
});
