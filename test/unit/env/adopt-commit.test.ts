import { appendFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { commitOnDisk } from '../../../src/env/adopt/adopt.js';
import { commitAdoption } from '../../../src/env/adopt/commit.js';
import { DiskTarget } from '../../../src/env/adopt/disk-target.js';
import { loadLower } from '../../../src/env/adopt/lower-view.js';
import { decodePlan, encodePlan } from '../../../src/env/adopt/plan.js';
import { prepareAdoption } from '../../../src/env/adopt/prepare.js';
import { filesOf, laterMs, madeWith, siteInUpper } from '../../support/adoptable.js';
import { differing, type PipMade } from '../../support/pip-made.js';

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
  const site = await siteInUpper(made);
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
