import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { listEdits } from '../../../src/env/adopt/local-edits.js';
import { revertOnDisk } from '../../../src/env/adopt/revert.js';
import { readUpperTree } from '../../../src/env/adopt/upper-tree.js';
import { hideAll, madeWith, siteInLower } from '../../support/adoptable.js';
import { differing } from '../../support/pip-made.js';

test('local edits are listed with their distribution, and what is taken back is as it was', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  await made.adopt('demo');
  const adopted = await made.shown('demo');
  const { tree } = made.upper('demo');
  const site = await siteInLower(made);
  await mkdir(join(tree, site, 'alpha'), { recursive: true });
  await writeFile(join(tree, site, 'alpha/__init__.py'), 'VERSION = "mine"\n');
  await writeFile(join(tree, site, 'alpha/new.py'), 'NEW = 1\n');
  await hideAll(tree, [`${site}/beta.py`]);
  const edits = async () => {
    const { edits: found } = listEdits(tree, await readUpperTree(tree), await made.lower('demo'));
    return found.filter(({ path }) => path.startsWith(site));
  };
  t.deepEqual(await edits(), [
    {
      path: `${site}/alpha/__init__.py`,
      change: 'changed',
      type: 'file',
      sizeBytes: 17,
      distribution: 'alpha 1.0',
    },
    { path: `${site}/alpha/new.py`, change: 'added', type: 'file', sizeBytes: 8 },
    { path: `${site}/beta.py`, change: 'removed', type: 'file', sizeBytes: 16, distribution: 'beta 2.0' },
  ]);
  const upper = made.upper('demo');
  t.deepEqual(await revertOnDisk(upper, 'demo', [`${site}/beta.py`, `${site}/alpha`]), {
    paths: [`${site}/beta.py`, `${site}/alpha`],
  });
  t.deepEqual(await edits(), []);
  // The folder of what was taken back has the time of that.
  const own = differing(adopted, await made.shown('demo'));
  t.deepEqual(
    own.filter((line) => !line.startsWith(`${site}:`) && !/^(lib|lib\/[^/]*)?:/.test(line)),
    [],
  );
});

test('a path outside, and one in a folder that is hidden, cannot be taken back', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  await made.adopt('demo');
  const upper = made.upper('demo');
  const site = await siteInLower(made);
  await hideAll(upper.tree, [`${site}/alpha`]);
  await t.throwsAsync(revertOnDisk(upper, 'demo', ['../times']), { code: 'USAGE' });
  await t.throwsAsync(revertOnDisk(upper, 'demo', [`${site}/alpha/__init__.py`]), { code: 'USAGE' });
});
