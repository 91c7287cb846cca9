import { appendFile, mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { prepareAdoption } from '../../../src/env/adopt/prepare.js';
import { filesOf, hideAll, laterMs, madeWith, siteInLower, siteInUpper } from '../../support/adoptable.js';
import { differing, type PipMade } from '../../support/pip-made.js';

test('what pip has installed is adopted without a visible change, and hardly anything stays', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  const before = await made.shown('demo');
  const outcome = await made.adopt('demo');
  t.deepEqual(outcome.differences.added.map(({ name }) => name).sort(), ['alpha', 'beta']);
  t.deepEqual(outcome.skipped, []);
  t.is(outcome.imagesAdded, 2);
  t.deepEqual(differing(before, await made.shown('demo')), []);
  t.deepEqual(await filesOf(made, 'demo'), []);
  const { requested, layers } = await made.workspace.environments.read('demo');
  t.deepEqual(requested, ['alpha']);
  t.deepEqual(layers.map(({ reason }) => reason).sort(), ['dependency', 'requested']);
});

test('a second environment made the same way adds nothing to the store', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  await made.adopt('demo');
  await made.create('other', 'alpha==1.0');
  const before = await made.shown('other');
  t.is((await made.adopt('other')).imagesAdded, 0);
  t.deepEqual(differing(before, await made.shown('other')), []);
  t.deepEqual(await filesOf(made, 'other'), []);
});

test('adopting again changes nothing', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  await made.adopt('demo');
  const before = await made.shown('demo');
  const again = await made.adopt('demo');
  t.like(again, { generation: 2, dropped: 0, kept: 0, imagesAdded: 0 });
  t.deepEqual(differing(before, await made.shown('demo')), []);
});

test('a distribution that was written to just now is left alone', async (t) => {
  const made = await madeWith(t, 'beta');
  await made.adopt('demo');
  const { tree, path: folder } = made.upper('demo');
  const site = await siteInLower(made);
  await made.create('other', 'alpha==1.0');
  for (const path of [
    'bin/alpha',
    'bin/alpha-tool',
    'share',
    `${site}/alpha`,
    `${site}/alpha-1.0.dist-info`,
  ]) {
    await mkdir(join(tree, dirname(path)), { recursive: true });
    await rename(join(made.upper('other').tree, path), join(tree, path));
  }
  await mkdir(join(tree, site, 'space'), { recursive: true });
  await rename(join(made.upper('other').tree, site, 'space/one.py'), join(tree, site, 'space/one.py'));
  const manifest = await made.workspace.environments.read('demo');
  const prepare = (quietSinceMs: number) =>
    prepareAdoption(made.workspace, { manifest, folder, mounts: [], quietSinceMs });
  const early = await prepare(Date.now() - 3_600_000);
  t.deepEqual(early.skipped, [{ distribution: 'alpha-1.0', reason: 'it was written to just now' }]);
  t.is(early.plan.next, undefined);
  t.is((await prepare(Date.now() + laterMs)).plan.next?.layers.length, 2);
});

test('an edited file stays over the image that has what it was, and bytecode of it does too', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  await made.adopt('demo');
  await made.create('other', 'alpha==1.0');
  const file = join(made.upper('other').tree, await siteInLower(made), 'alpha/__init__.py');
  await appendFile(file, 'MORE = 1\n');
  const before = await made.shown('other');
  t.is((await made.adopt('other')).imagesAdded, 0);
  t.deepEqual(differing(before, await made.shown('other')), []);
  const left = await filesOf(made, 'other');
  t.true(left.some((path) => path.endsWith('alpha/__init__.py')));
  t.true(left.some((path) => path.includes('alpha/__pycache__/__init__.')));
  t.false(left.some((path) => path.includes('table.bin')));
});

test('an edited file of a distribution that the store does not have keeps it where it is', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  await appendFile(join(made.upper('demo').tree, await siteInUpper(made), 'beta.py'), 'MORE = 1\n');
  const before = await made.shown('demo');
  const { skipped, imagesAdded } = await made.adopt('demo');
  t.deepEqual(
    skipped.map(({ distribution }) => distribution),
    ['beta 2.0'],
  );
  t.regex(skipped[0]!.reason, /beta\.py was changed/);
  t.is(imagesAdded, 1);
  t.deepEqual(differing(before, await made.shown('demo')), []);
});

test('loose files, .pth files and links stay', async (t) => {
  const made = await madeWith(t, 'beta');
  const site = await siteInUpper(made);
  const own = [`${site}/mine.py`, `${site}/mine.pth`, `${site}/space/own.py`];
  for (const path of own) await writeFile(join(made.upper('demo').tree, path), '# mine\n');
  const before = await made.shown('demo');
  await made.adopt('demo');
  t.deepEqual(differing(before, await made.shown('demo')), []);
  t.deepEqual(await filesOf(made, 'demo'), own.sort());
});

test('what a later pip removes is hidden, leaves the manifest, and takes its whiteouts with it', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  await made.adopt('demo');
  const { tree } = made.upper('demo');
  const site = await siteInLower(made);
  // As pip leaves it: every name of the lower tree is hidden.
  await mkdir(join(tree, site, 'space'), { recursive: true });
  await hideAll(tree, [
    `${site}/beta.py`,
    `${site}/beta-2.0.dist-info`,
    `${site}/space/two.py`,
    `${site}/__pycache__`,
  ]);
  await hideAll(tree, await bytecodeOf(made, `${site}/space/__pycache__`, 'two.'));
  const before = await made.shown('demo');
  const { differences } = await made.adopt('demo');
  t.deepEqual(
    differences.removed.map(({ name }) => name),
    ['beta'],
  );
  t.deepEqual(differing(before, await made.shown('demo')), []);
  const names = await readdir(tree, { recursive: true });
  t.deepEqual(
    names.filter((name) => name.includes('.wh.')),
    [],
  );
});

async function bytecodeOf(made: PipMade, folder: string, prefix: string): Promise<string[]> {
  const shown = await made.shown('demo');
  return [...shown.keys()].filter((path) => path.startsWith(`${folder}/${prefix}`));
}

test('another version in the place of an adopted one is adopted too, though its folder was hidden', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  await made.create('newer', 'alpha==2.0');
  await made.adopt('demo');
  const { tree } = made.upper('demo');
  const site = await siteInLower(made);
  // pip removes every file of the old version, then installs the new one.
  const old = ['alpha', 'alpha-1.0.dist-info', 'space'].map((name) => `${site}/${name}`);
  await hideAll(tree, [...old, 'bin/alpha', 'bin/alpha-tool', 'share']);
  const from = join(made.upper('newer').tree, site);
  for (const name of ['alpha', 'alpha-2.0.dist-info', 'space'])
    await rename(join(from, name), join(tree, site, name));
  const before = await made.shown('demo');
  const { differences, skipped } = await made.adopt('demo');
  t.deepEqual(skipped, []);
  t.deepEqual(
    differences.replaced.map(({ to }) => to.version),
    ['2.0'],
  );
  t.deepEqual(differing(before, await made.shown('demo')), []);
  t.deepEqual(await filesOf(made, 'demo'), []);
});
