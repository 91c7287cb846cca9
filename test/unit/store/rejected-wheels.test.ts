import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { putWheel } from '../../../src/store/put.js';
import { Store } from '../../../src/store/store.js';
import { limitsVariable } from '../../../src/wheel/limits.js';
import type { Rejection } from '../../archives/rejection.js';
import { fixtureName, rejections } from '../../archives/rejections.js';
import { refused } from '../../support/refusal.js';
import { projectRoot } from '../../support/sandbox.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { compareTrees, readTree } from '../../support/tree.js';
import { writeWheel } from '../../support/wheel-builder.js';

const archives = join(projectRoot, 'test/archives');

/** Times of every file and folder; a refusal after staging leaves a new one on the staging folder. */
async function readTimes(store: Store, isStaged: boolean): Promise<Map<string, bigint>> {
  const { root, staging } = store.layout;
  const times = new Map<string, bigint>();
  for (const name of ['.', ...(await readdir(root, { recursive: true }))]) {
    const path = join(root, name);
    if (isStaged && path === staging) continue;
    times.set(path, (await lstat(path, { bigint: true })).mtimeNs);
  }
  return times;
}

function variableOf({ limits }: Rejection): string {
  return Object.entries(limits ?? {})
    .map((setting) => setting.join('='))
    .join(',');
}

// One after the other: the limits are a variable of the process, and one store serves them all.
test.serial(
  'every rejected wheel is refused for its reason and leaves the store as it was to the byte',
  async (t) => {
    const folder = await temporaryFolder(t);
    t.teardown(() => delete process.env[limitsVariable]);
    const store = new Store(join(folder, 'store'));
    await putWheel(store, await writeWheel(folder, { name: 'good', files: { 'good.py': 'x = 1\n' } }));
    for (const rejection of rejections) {
      const { reason, code, says, fileName, isStaged = false } = rejection;
      const wheel = join(folder, reason, fileName);
      await mkdir(join(folder, reason));
      await writeFile(wheel, await readFile(join(archives, fixtureName(rejection))));
      const [before, times] = [await readTree(store.layout.root), await readTimes(store, isStaged)];
      process.env[limitsVariable] = variableOf(rejection);
      await refused(t, code, says, () => putWheel(store, wheel)).catch(() =>
        t.log(`${reason} was not refused`),
      );
      t.deepEqual(compareTrees(before, await readTree(store.layout.root)), [], reason);
      t.deepEqual(await readTimes(store, isStaged), times, reason);
    }
  },
);

test('the rejected wheels are what `npm run archives` writes', async (t) => {
  const names = (await readdir(archives)).filter((name) => name.endsWith('.whl'));
  t.deepEqual(names.sort(), rejections.map(fixtureName).sort());
  for (const rejection of rejections) {
    const written = await readFile(join(archives, fixtureName(rejection)));
    t.true(written.equals(rejection.data), `${fixtureName(rejection)} is another`);
  }
});
