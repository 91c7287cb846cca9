import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { silentProgress } from '../../../src/base/progress.js';
import { runPip } from '../../../src/env/pip.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** Stands for a pip that is killed while it builds: it leaves files, and writes one more before it ends. */
const stubborn = `
trap 'mkdir -p "$TMPDIR/late/folder"; echo ended >"$1"; exit 1' TERM
mkdir "$TMPDIR/pip-build"
echo ready
while :; do sleep 0.02; done
`;

test.serial('an aborted pip has ended when runPip rejects, and nothing temporary of it stays', async (t) => {
  const folder = await temporaryFolder(t);
  const before = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  t.teardown(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  const [script, ended] = [join(folder, 'pip.sh'), join(folder, 'ended')];
  await writeFile(script, stubborn);
  const abort = new AbortController();
  const progress = { ...silentProgress, advance: () => abort.abort() };
  const pip = { program: '/bin/sh', args: [script, ended] };
  await t.throwsAsync(runPip(pip, [], progress, abort.signal), { name: 'AbortError' });
  t.is(await readFile(ended, 'utf8'), 'ended\n');
  t.deepEqual((await readdir(folder)).sort(), ['ended', 'pip.sh']);
});
