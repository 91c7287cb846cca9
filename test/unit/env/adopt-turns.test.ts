import { mkdirSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { ShenvError } from '../../../src/base/errors.js';
import { type Progress, silentProgress } from '../../../src/base/progress.js';
import { adopt, commitOnDisk } from '../../../src/env/adopt/adopt.js';
import { readStatuses } from '../../../src/env/adopt/candidates.js';
import { readUpperTree, type UpperFolder } from '../../../src/env/adopt/upper-tree.js';
import { loadSystemCalls } from '../../../src/upper/system-calls.js';
import { laterMs, madeWith } from '../../support/adoptable.js';
import { differing, type PipMade } from '../../support/pip-made.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

function adoptWith(made: PipMade, progress: Progress, delegate?: Parameters<typeof adopt>[2]['delegate']) {
  const nowMs = Date.now() + laterMs;
  const at = { mounts: [made.shownAt('demo')], nowMs, ...(delegate ? { delegate } : {}) };
  return adopt({ ...made.workspace, progress }, 'demo', at);
}

test('a second adoption says that it waits, and goes on when the first has ended', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  const before = await made.shown('demo');
  const first = await open(made.upper('demo').adopting, 'a', 0o600);
  t.true(loadSystemCalls().lockFile(first.fd));
  const notes: string[] = [];
  const note = (text: string) => {
    notes.push(text);
    void first.close();
  };
  const outcome = await adoptWith(made, { ...silentProgress, note });
  t.deepEqual(notes, ["Waiting for another process that adopts from 'demo' just now"]);
  t.is(outcome.generation, 2);
  t.deepEqual(differing(before, await made.shown('demo')), []);
});

test('of two adoptions at one time one does the work, and none fails', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  const before = await made.shown('demo');
  const both = await Promise.all([adoptWith(made, silentProgress), adoptWith(made, silentProgress)]);
  t.deepEqual(
    both.map(({ generation }) => generation),
    [2, 2],
  );
  t.is(both.filter(({ dropped }) => dropped === 0).length, 1);
  t.deepEqual(differing(before, await made.shown('demo')), []);
});

test('a distribution that is removed while it is packed is left out, and the others are adopted', async (t) => {
  const made = await madeWith(t, 'alpha==1.0');
  const { tree } = made.upper('demo');
  const [python = ''] = readdirSync(join(tree, 'lib'));
  const start = (label: string) => {
    if (label === 'Packing') unlinkSync(join(tree, 'lib', python, 'site-packages/beta.py'));
  };
  const outcome = await adoptWith(made, { ...silentProgress, start });
  t.deepEqual(
    outcome.skipped.map(({ distribution }) => distribution),
    ['beta 2.0'],
  );
  t.deepEqual(
    outcome.differences.added.map(({ name }) => name),
    ['alpha'],
  );
});

test('what was changed meanwhile is looked at anew, and given up after some times', async (t) => {
  const made = await madeWith(t, 'beta');
  const current = await made.workspace.environments.read('demo');
  const overtaken = new ShenvError('ENVIRONMENT_CHANGED', 'it was changed', { hint: 'again' });
  let calls = 0;
  const failing = (times: number) => (plan: Parameters<typeof commitOnDisk>[2]) => {
    calls += 1;
    return calls <= times ? Promise.reject(overtaken) : commitOnDisk(made.workspace, current, plan);
  };
  await t.throwsAsync(adoptWith(made, silentProgress, failing(10)), { code: 'ENVIRONMENT_CHANGED' });
  t.is(calls, 3);
  calls = 0;
  t.is((await adoptWith(made, silentProgress, failing(1))).generation, 2);
  t.is(calls, 2);
});

test('folders that go away while an upper layer is read are left out', async (t) => {
  const root = await temporaryFolder(t);
  for (let at = 0; at < 400; at += 1) mkdirSync(join(root, `f${at}/below`), { recursive: true });
  writeFileSync(join(root, 'stays'), '');
  const [read] = await Promise.all([
    readUpperTree(root),
    ...Array.from({ length: 400 }, (_, at) => rm(join(root, `f${at}`), { recursive: true })),
  ]);
  t.true(read.entries.has('stays'));
});

test('names that are gone, or lie below what is no folder any more, have no status', async (t) => {
  const root = await temporaryFolder(t);
  writeFileSync(join(root, 'file'), '');
  const folder = (entries: UpperFolder['entries']): UpperFolder => ({
    kind: 'folder',
    entries,
    whiteouts: new Set(),
    redirect: undefined,
  });
  const file = { kind: 'file' } as const;
  const below = folder(new Map([['gone', file]]));
  const upper = folder(
    new Map<string, UpperFolder | typeof file>([
      ['file', below],
      ['gone', file],
    ]),
  );
  t.is(readStatuses(root, upper).size, 0);
});
