import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { findPlaces } from '../../../src/base/paths.js';
import { silentProgress } from '../../../src/base/progress.js';
import { exportEnvironment } from '../../../src/env/transfer/export.js';
import { openWorkspace } from '../../../src/env/workspace.js';
import { sandboxOf } from '../../support/mounts.js';
import { fails } from '../../support/packages.js';
import { createSample } from '../../support/sample-wheels.js';
import type { Sandbox } from '../../support/sandbox.js';
import { readTree } from '../../support/tree.js';

async function withDemo(t: ExecutionContext): Promise<Sandbox> {
  const sandbox = await sandboxOf(t);
  await createSample(sandbox, 'demo');
  return sandbox;
}

test('an exported venv runs without a mount, and nothing says that it is read-only', async (t) => {
  const sandbox = await withDemo(t);
  const venv = sandbox.path('venv');
  await sandbox.expect('export', 'demo', venv);
  const { stdout, stderr } = await sandbox.run(`${venv}/bin/alpha`, ['hello']);
  t.is(stdout, 'alpha runs hello\n', stderr);
  t.is((await sandbox.run(`${venv}/bin/alpha-tool`, [])).stdout, `${venv}\n`);
  t.deepEqual((await readdir(venv)).sort(), ['bin', 'include', 'lib', 'lib64', 'pyvenv.cfg']);
  t.true((await readFile(`${venv}/bin/activate`, 'utf8')).includes(venv));
  t.deepEqual(
    (await readdir(sandbox.folder)).filter((name) => name.startsWith('.')),
    [],
  );
});

test('a generation is exported as it was', async (t) => {
  const sandbox = await withDemo(t);
  await sandbox.expect('remove', 'demo', 'alpha');
  await sandbox.expect('export', 'demo@1', sandbox.path('before'));
  await sandbox.expect('export', 'demo', sandbox.path('after'));
  t.true((await readdir(sandbox.path('before', 'bin'))).includes('alpha'));
  t.false((await readdir(sandbox.path('after', 'bin'))).includes('alpha'));
});

test('an empty folder is filled; one that holds something, a file and a link are refused and stay', async (t) => {
  const sandbox = await withDemo(t);
  for (const name of ['empty', 'full']) await mkdir(sandbox.path(name));
  await writeFile(sandbox.path('full', 'mine'), 'mine');
  await writeFile(sandbox.path('file'), 'mine');
  await symlink('empty', sandbox.path('link'));
  for (const name of ['full', 'file', 'link'])
    await fails(
      t,
      sandbox,
      { code: 'TARGET_UNUSABLE', says: /is not empty|is no folder/ },
      'export',
      'demo',
      name,
    );
  t.deepEqual(await readdir(sandbox.path('full')), ['mine']);
  t.deepEqual(await readdir(sandbox.path('empty')), []);
  await sandbox.expect('export', 'demo', 'empty');
  t.true((await readdir(sandbox.path('empty'))).includes('pyvenv.cfg'));
});

test('an interrupted export leaves nothing', async (t) => {
  const sandbox = await withDemo(t);
  const workspace = openWorkspace(findPlaces(sandbox.variables), silentProgress, AbortSignal.abort());
  const before = [...(await readTree(sandbox.folder)).keys()];
  const manifest = await workspace.environments.read('demo');
  await t.throwsAsync(exportEnvironment(workspace, manifest, sandbox.path('venv')), {
    any: true,
    name: 'AbortError',
  });
  t.deepEqual([...(await readTree(sandbox.folder)).keys()], before);
});

for (const how of ['hardlink', 'symlink', 'reflink', 'nonsense'])
  test(`--link ${how} is refused with the reason`, async (t) => {
    const sandbox = await sandboxOf(t);
    const says = new RegExp(`--link ${how} cannot be: .+`);
    await fails(t, sandbox, { code: 'USAGE', says }, 'export', 'demo', 'venv', '--link', how);
  });
