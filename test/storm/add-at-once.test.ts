import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { run } from '../../src/base/run.js';
import { Image } from '../../src/image/read.js';
import { storeLayout } from '../../src/store/layout.js';
import { listFiles } from '../faults/invariants.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { writeWheel } from '../support/wheel-builder.js';

const wheelCount = 200;
const processes = 8;
const timeoutMs = 120_000;
const script = fileURLToPath(new URL('add-all.js', import.meta.url));

test('8 processes that add the same 200 wheels at once make one image of each, with a serial of its own, and leave nothing else', async (t) => {
  const folder = await temporaryFolder(t);
  const wheels: string[] = [];
  for (let index = 0; index < wheelCount; index += 1) {
    const name = `w${index}`;
    wheels.push(
      await writeWheel(join(folder, 'wheels'), { name, files: { [`${name}.py`]: `N = ${index}\n` } }),
    );
  }
  const [root, go] = [join(folder, 'store'), join(folder, 'go')];
  const adders = Array.from({ length: processes }, () =>
    run(process.execPath, [script, root, go, ...wheels], { timeoutMs }),
  );
  await writeFile(go, '');
  const finished = await Promise.all(adders);
  for (const { status, stderr } of finished) t.deepEqual([status, stderr], [0, '']);
  const added = finished.reduce((sum, { stdout }) => sum + Number(stdout), 0);
  t.is(added, wheelCount, 'each was new to exactly one process');
  const layout = storeLayout(root);
  const images = await listFiles(layout.images);
  t.is(images.length, wheelCount);
  const serials = await Promise.all(images.map(async (path) => (await Image.open(path)).serial));
  t.is(new Set(serials).size, wheelCount);
  t.deepEqual(await readdir(layout.staging), []);
  t.deepEqual(await readdir(layout.leases), []);
});
