import { appendFile, mkdir, readdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import test from 'ava';
import { commitOnDisk } from '../../../src/env/adopt/adopt.js';
import { commitAdoption } from '../../../src/env/adopt/commit.js';
import { DiskTarget } from '../../../src/env/adopt/disk-target.js';
import { listEdits } from '../../../src/env/adopt/local-edits.js';
import { loadLower } from '../../../src/env/adopt/lower-view.js';
import { decodePlan, encodePlan } from '../../../src/env/adopt/plan.js';
import { prepareAdoption } from '../../../src/env/adopt/prepare.js';
import { revertOnDisk } from '../../../src/env/adopt/revert.js';
import { readUpperTree } from '../../../src/env/adopt/upper-tree.js';
import { differing, PipMade, writeAdoptable } from '../../support/pip-made.js';

const laterMs = 10_000;

/** Regular files of an upper layer that are not empty. */
async function filesOf(made: PipMade, name: string): Promise<string[]> {
  const { tree } = made.upper(name);
  const found: string[] = [];
  for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (await stat(path)).size > 0) found.push(path.slice(tree.length + 1));
  }
  return found.sort();
}

async function madeWith(t: Parameters<typeof PipMade.make>[0], ...requirements: string[]): Promise<PipMade> {
  const made = await PipMade.make(t);
  await writeAdoptable(made);
  await made.create('demo', ...requirements);
  return made;
}

async function siteOf(made: PipMade): Promise<string> {
  const [python = ''] = await readdir(join(made.upper('demo').tree, 'lib'));
  return `lib/${python}/site-packages`;
}

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
  const site = await siteWith(made);
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
  const file = join(made.upper('other').tree, await siteWith(made), 'alpha/__init__.py');
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
  await appendFile(join(made.upper('demo').tree, await siteOf(made), 'beta.py'), 'MORE = 1\n');
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
  const site = await siteOf(made);
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
  const site = await siteWith(made);
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

async function siteWith(made: PipMade): Promise<string> {
  return (await made.lower('demo')).sitePackages;
}

async function hideAll(tree: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(tree, dirname(path)), { recursive: true });
    await writeFile(join(tree, dirname(path), `.wh.${basename(path)}`), '');
  }
}

async function bytecodeOf(made: PipMade, folder: string, prefix: string): Promise<string[]> {
  const shown = await made.shown('demo');
  return [...shown.keys()].filter((path) => path.startsWith(`${folder}/${prefix}`));
}

test('another version in the place of an adopted one is adopted too, though its folder was hidden', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  await made.create('newer', 'alpha==2.0');
  await made.adopt('demo');
  const { tree } = made.upper('demo');
  const site = await siteWith(made);
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

test('killed after any step, the next adoption completes what is shown the same all along', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  const before = await made.shown('demo');
  for (let steps = 1; ; steps += 1) {
    const isDone = await adoptUntil(made, steps * steps);
    t.deepEqual(differing(before, await made.shown('demo')), [], `after ${steps * steps} steps`);
    if (isDone) break;
  }
  await made.adopt('demo');
  t.deepEqual(differing(before, await made.shown('demo')), []);
  t.deepEqual(await filesOf(made, 'demo'), []);
});

/** True when all was done within so many steps. */
async function adoptUntil(made: PipMade, steps: number): Promise<boolean> {
  const { workspace } = made;
  const current = await workspace.environments.read('demo');
  const upper = made.upper('demo');
  const quietSinceMs = Date.now() + laterMs;
  const request = { manifest: current, folder: upper.path, mounts: [made.shownAt('demo')], quietSinceMs };
  const { plan } = await prepareAdoption(workspace, request);
  let left = steps;
  const dying = new Proxy(new DiskTarget(upper, await made.lower('demo')), {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      if (!['hide', 'reveal', 'giveBack', 'giveBackFolder'].includes(String(name))) return value.bind(target);
      return (...args: unknown[]) => {
        left -= 1;
        if (left < 0) throw new Error('killed');
        return value.apply(target, args) as unknown;
      };
    },
  });
  const compose = (manifest: typeof current) => loadLower(workspace, manifest, new Map());
  const publish = async (manifest: typeof current) => {
    if (manifest.generation !== current.generation) await workspace.environments.commit(manifest);
  };
  try {
    await commitAdoption({ target: dying, current, compose, publish }, plan);
    return true;
  } catch (error) {
    if ((error as Error).message !== 'killed') throw error;
    return false;
  }
}

test('a copy that was written to since it was compared stays', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  const { workspace } = made;
  const current = await workspace.environments.read('demo');
  const request = {
    manifest: current,
    folder: made.upper('demo').path,
    mounts: [made.shownAt('demo')],
    quietSinceMs: Date.now() + laterMs,
  };
  const { plan } = await prepareAdoption(workspace, request);
  const site = await siteOf(made);
  const { tree } = made.upper('demo');
  await appendFile(join(tree, site, 'beta.py'), 'MORE = 1\n');
  await unlink(join(tree, site, 'space/one.py'));
  const before = await made.shown('demo');
  const done = await commitOnDisk(workspace, current, decodePlan(encodePlan(plan), 'plan'));
  t.is(done.kept, 1);
  t.deepEqual(differing(before, await made.shown('demo')), []);
  t.true((await filesOf(made, 'demo')).includes(`${site}/beta.py`));
});

test('a plan for another generation is refused', async (t) => {
  const made = await madeWith(t, 'beta');
  const current = await made.workspace.environments.read('demo');
  const plan = { base: 7, next: undefined, drops: [] };
  await t.throwsAsync(commitOnDisk(made.workspace, current, plan), { code: 'ENVIRONMENT_CHANGED' });
});

test('local edits are listed with their distribution, and what is taken back is as it was', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  await made.adopt('demo');
  const adopted = await made.shown('demo');
  const { tree } = made.upper('demo');
  const site = await siteWith(made);
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
  const site = await siteWith(made);
  await hideAll(upper.tree, [`${site}/alpha`]);
  await t.throwsAsync(revertOnDisk(upper, 'demo', ['../times']), { code: 'USAGE' });
  await t.throwsAsync(revertOnDisk(upper, 'demo', [`${site}/alpha/__init__.py`]), { code: 'USAGE' });
});
