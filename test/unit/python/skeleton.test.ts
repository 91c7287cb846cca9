import { lstat, mkdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { run } from '../../../src/base/run.js';
import {
  captureSkeleton,
  fillTemplate,
  findVariables,
  type Segment,
  type SkeletonEntry,
} from '../../../src/python/skeleton.js';
import { minors, requireInterpreter } from '../../support/interpreters.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { readTree } from '../../support/tree.js';

const captured = "/places/x'y z";
const values = { path: '/mnt/demo', name: 'demo', systemSitePackages: false };
const fill = (text: string, wanted: { path: string; name: string; systemSitePackages: boolean } = values) =>
  fillTemplate(findVariables(text, captured), wanted);

test('path, name and prompt are replaced where they stand', (t) => {
  t.is(fill(`a ${captured}/bin b (x'y z) c x'y z d`), 'a /mnt/demo/bin b (demo) c demo d');
});

test('a text without variables stays as it is', (t) => {
  t.is(fill('nothing here\n'), 'nothing here\n');
  t.deepEqual(findVariables('', captured), []);
});

test('a shell-quoted place stays shell-quoted', (t) => {
  const shell = `V='/places/x'"'"'y z'\nP='(x'"'"'y z) '\n`;
  t.is(fill(shell), "V=/mnt/demo\nP='(demo) '\n");
  const odd = { ...values, path: "/m n/it's", name: "it's" };
  t.is(fill(shell, odd), `V='/m n/it'"'"'s'\nP='(it'"'"'s) '\n`);
});

test('a place quoted for PowerShell stays so', (t) => {
  t.is(fill("$p = '/places/x''y z'", { ...values, path: "/it's" }), "$p = '/it''s'");
});

test('system site-packages are written as the environment has them', (t) => {
  const text = 'include-system-site-packages = false\nother = false\n';
  t.is(
    fill(text, { ...values, systemSitePackages: true }),
    'include-system-site-packages = true\nother = false\n',
  );
});

test('adjoining variables are each found', (t) => {
  const segments: Segment[] = findVariables(`${captured}${captured}`, captured);
  t.deepEqual(segments, [
    ['path', 'raw'],
    ['path', 'raw'],
  ]);
});

async function compareWithVenv(
  t: ExecutionContext,
  python: string,
  skeleton: readonly SkeletonEntry[],
  path: string,
): Promise<void> {
  const { status, stderr } = await run(python, ['-I', '-m', 'venv', '--without-pip', path]);
  t.is(status, 0, stderr);
  const written = await readTree(path);
  t.deepEqual(skeleton.map((entry) => entry.path).sort(), [...written.keys()].sort());
  for (const entry of skeleton) {
    const place = join(path, entry.path);
    if (entry.kind === 'link') t.is(entry.target, await readlink(place), entry.path);
    if (entry.kind === 'directory') t.true((await lstat(place)).isDirectory(), entry.path);
    if (entry.kind !== 'file') continue;
    const text = fillTemplate(entry.segments, { path, name: basename(path), systemSitePackages: false });
    t.is(text, await readFile(place, 'utf8'), `${entry.path} of ${path}`);
    t.is(entry.executable, ((await lstat(place)).mode & 0o111) !== 0, entry.path);
  }
}

for (const minor of minors) {
  test.serial(
    `the files of a venv of Python ${minor} are, at any path, what its venv module writes`,
    async (t) => {
      const probe = await requireInterpreter(t, minor);
      if (!probe) return;
      const folder = await temporaryFolder(t);
      const python = probe.baseExecutable;
      const skeleton = await captureSkeleton(python);
      await mkdir(join(folder, 'in a folder'));
      const names = [
        'demo',
        'two words',
        "it's",
        'say "hi"',
        'cash$HOME',
        'größe日本',
        'a&b;c',
        'x%y',
        'back`tick`',
      ];
      for (const name of names) await compareWithVenv(t, python, skeleton, join(folder, name));
      await compareWithVenv(t, python, skeleton, join(folder, 'in a folder', 'plain'));
    },
  );
}
