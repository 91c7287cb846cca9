import { appendFile, chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { sandboxOf } from '../../support/mounts.js';
import { fails } from '../../support/packages.js';
import { createSample } from '../../support/sample-wheels.js';
import type { Sandbox } from '../../support/sandbox.js';
import { compareTrees, readTree } from '../../support/tree.js';

interface ImportReport {
  distributions: string[];
  shared: number;
  imagesAdded: number;
  modified: { distribution: string; path: string }[];
  missing: { distribution: string; path: string }[];
  loose: string[];
  left: { path: string; reason: string }[];
  localFiles?: string;
}

/** A venv on disk, as an installer would have left it, and the folder of its packages. */
async function venvOf(t: ExecutionContext): Promise<{ sandbox: Sandbox; venv: string; site: string }> {
  const sandbox = await sandboxOf(t);
  await createSample(sandbox, 'demo');
  const venv = sandbox.path('venv');
  await sandbox.expect('export', 'demo', venv);
  const [python = ''] = await readdir(join(venv, 'lib'));
  return { sandbox, venv, site: `lib/${python}/site-packages` };
}

async function importInto(sandbox: Sandbox, venv: string, name: string): Promise<ImportReport> {
  return JSON.parse(await sandbox.expect('import', venv, name, '--no-bytecode', '--json')) as ImportReport;
}

test('a venv of wheels that the store has shares all of their images, and stays as it is', async (t) => {
  const { sandbox, venv } = await venvOf(t);
  const before = await readTree(venv);
  const report = await importInto(sandbox, venv, 'copy');
  t.like(report, { shared: 2, imagesAdded: 0, modified: [], missing: [], loose: [], left: [] });
  t.is(report.localFiles, undefined);
  t.deepEqual(compareTrees(before, await readTree(venv)), []);
  const wheelsOf = async (name: string) =>
    JSON.parse(await sandbox.expect('show', name, '--json')) as {
      requested: string[];
      distributions: object[];
    };
  const [demo, copy] = [await wheelsOf('demo'), await wheelsOf('copy')];
  t.deepEqual(copy.distributions, demo.distributions);
  t.deepEqual(copy.requested, ['alpha']);
});

test('a venv that the store knows nothing of is packed again: exported, it is the same tree', async (t) => {
  const { sandbox, venv } = await venvOf(t);
  const before = await readTree(venv);
  sandbox.variables.SHENV_HOME = sandbox.path('other-home');
  t.like(await importInto(sandbox, venv, 'demo'), { shared: 0, imagesAdded: 2, localFiles: undefined });
  await rm(venv, { recursive: true });
  await sandbox.expect('export', 'demo', venv);
  t.deepEqual(compareTrees(before, await readTree(venv)), []);
});

test('the same venv imported twice adds nothing the second time', async (t) => {
  const { sandbox, venv } = await venvOf(t);
  sandbox.variables.SHENV_HOME = sandbox.path('other-home');
  await importInto(sandbox, venv, 'one');
  t.like(await importInto(sandbox, venv, 'two'), { shared: 2, imagesAdded: 0 });
});

test('files that are modified or of no distribution are named and become a layer on top', async (t) => {
  const { sandbox, venv, site } = await venvOf(t);
  await appendFile(join(venv, site, 'beta.py'), 'MORE = 1\n');
  await writeFile(join(venv, site, 'mine.py'), 'MINE = 1\n');
  await writeFile(join(venv, site, 'mine.pth'), '/nowhere\n');
  await writeFile(join(venv, 'bin', 'own'), `#!${venv}/bin/python\nimport sys; print(sys.prefix)\n`);
  await chmod(join(venv, 'bin', 'own'), 0o755);
  const report = await importInto(sandbox, venv, 'copy');
  t.is(report.shared, 2);
  t.deepEqual(report.modified, [{ distribution: 'beta', path: `${site}/beta.py` }]);
  t.deepEqual(report.loose, ['bin/own', `${site}/mine.pth`, `${site}/mine.py`]);
  t.is(report.localFiles, 'copy-local-files');
  t.is(report.distributions.at(-1), 'copy-local-files 0+local');
  const copy = sandbox.path('copy');
  await sandbox.expect('export', 'copy', copy);
  const code = 'import beta, mine; print(beta.MORE, mine.MINE)';
  t.is((await sandbox.run(`${copy}/bin/python`, ['-c', code])).stdout, '1 1\n');
  t.is((await sandbox.run(`${copy}/bin/own`, [])).stdout, `${copy}\n`);
});

test('a file that RECORD names and that is gone is named, and stays gone', async (t) => {
  const { sandbox, venv, site } = await venvOf(t);
  await rm(join(venv, site, 'space', 'two.py'));
  const report = await importInto(sandbox, venv, 'copy');
  t.deepEqual(report.missing, [{ distribution: 'beta', path: `${site}/space/two.py` }]);
  t.like(report, { shared: 1, imagesAdded: 1 });
  await sandbox.expect('export', 'copy', sandbox.path('copy'));
  t.deepEqual(await readdir(sandbox.path('copy', site, 'space')), ['one.py']);
});

test('a packed distribution never counts as the wheel of the index', async (t) => {
  const { sandbox, venv, site } = await venvOf(t);
  sandbox.variables.SHENV_HOME = sandbox.path('other-home');
  await rm(join(venv, site, 'space', 'two.py'));
  await importInto(sandbox, venv, 'copy');
  const source = ['--no-index', '--find-links', sandbox.path('wheels')];
  await sandbox.expect('create', 'new', 'beta==2.0', '--without-pip', '--no-bytecode', ...source);
  await sandbox.expect('export', 'new', sandbox.path('new'));
  t.deepEqual(await readdir(sandbox.path('new', site, 'space')), ['two.py']);
});

test('INSTALLER, REQUESTED and direct_url.json are what they were', async (t) => {
  const { sandbox, venv, site } = await venvOf(t);
  const metadata = join(venv, site, 'beta-2.0.dist-info');
  const url = '{"archive_info": {}, "url": "https://example.org/beta-2.0-py3-none-any.whl"}';
  await writeFile(join(metadata, 'INSTALLER'), 'uv\n');
  await writeFile(join(metadata, 'REQUESTED'), '');
  await writeFile(join(metadata, 'direct_url.json'), url);
  await importInto(sandbox, venv, 'copy');
  await sandbox.expect('export', 'copy', sandbox.path('copy'));
  const read = (name: string) => readFile(sandbox.path('copy', site, 'beta-2.0.dist-info', name), 'utf8');
  t.is(await read('INSTALLER'), 'uv\n');
  t.is(await read('REQUESTED'), '');
  t.deepEqual(JSON.parse(await read('direct_url.json')), JSON.parse(url));
});

test('a folder that is no venv is refused, and so is a name that is taken', async (t) => {
  const { sandbox, venv } = await venvOf(t);
  await mkdir(sandbox.path('empty'));
  for (const folder of ['empty', 'nothing'])
    await fails(t, sandbox, { code: 'VENV_UNUSABLE', says: /no pyvenv\.cfg/ }, 'import', folder, 'copy');
  await fails(t, sandbox, { code: 'ENVIRONMENT_EXISTS', says: /'demo'/ }, 'import', venv, 'demo');
  t.is((await sandbox.expect('list', '--json')).match(/"name"/g)?.length, 1);
});

test('a venv whose interpreter is gone is refused', async (t) => {
  const { sandbox, venv, site } = await venvOf(t);
  const minor = /\d+\.\d+/.exec(site)![0];
  for (const name of ['python', 'python3', `python${minor}`]) await rm(join(venv, 'bin', name));
  await writeFile(join(venv, 'pyvenv.cfg'), `home = /no/such/place\nversion = ${minor}.0\n`);
  await fails(t, sandbox, { code: 'INTERPRETER_MISSING', says: /\/no\/such\/place/ }, 'import', venv, 'copy');
});
