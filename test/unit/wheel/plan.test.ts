import test from 'ava';
import type { RelativePath } from '../../../src/base/brands.js';
import type { ArchiveEntry } from '../../../src/wheel/archive.js';
import { parseWheelFilename } from '../../../src/wheel/filename.js';
import { findDistInfo, installPlace, planWheel, type WheelPlan } from '../../../src/wheel/plan.js';
import { formatRecord, type RecordRow } from '../../../src/wheel/record.js';
import { refused } from '../../support/refusal.js';
import { metadataText, rowOf, wheelText } from '../../support/wheel-builder.js';

const filename = parseWheelFilename('sample-1.0-py3-none-any.whl');
const distInfo = 'sample-1.0.dist-info';
const content = Buffer.from('content');

interface Wanted {
  executable?: string[];
  entryPoints?: string;
  metadata?: string;
  wheel?: string;
  record?: (rows: RecordRow[]) => RecordRow[];
}

function plan(paths: readonly string[], wanted: Wanted = {}): WheelPlan {
  const own = ['METADATA', 'WHEEL', 'RECORD'].map((name) => `${distInfo}/${name}`);
  const entries = [...paths, ...own].map(
    (path): ArchiveEntry => ({
      path: path as RelativePath,
      sizeBytes: content.length,
      executable: wanted.executable?.includes(path) ?? false,
      mtimeNs: 0n,
    }),
  );
  const rows = entries.map(({ path }) =>
    path.endsWith('RECORD') ? { path, hash: '', size: '' } : rowOf(path, content),
  );
  return planWheel(filename, distInfo, entries, {
    wheel: wanted.wheel ?? wheelText(true, 'py3-none-any'),
    metadata: wanted.metadata ?? metadataText('Sample', '1.0'),
    record: formatRecord(wanted.record ? wanted.record(rows) : rows),
    entryPoints: wanted.entryPoints ?? '',
  });
}

function placeOf(planned: WheelPlan, source: string): string | undefined {
  const file = planned.files.find((candidate) => candidate.source === source);
  return file && `${file.scheme}/${file.path}`;
}

for (const [key, place] of [
  ['purelib', 'site/p/x'],
  ['platlib', 'site/p/x'],
  ['scripts', 'bin/p/x'],
  ['data', 'data/p/x'],
  ['headers', 'include/p/x'],
]) {
  test(`.data/${key} is spread to ${place}`, (t) => {
    const source = `sample-1.0.data/${key}/p/x`;
    t.is(placeOf(plan([source]), source), place);
  });
}

test('purelib and platlib are one folder with the root of the wheel', (t) => {
  for (const purelib of [true, false]) {
    const sources = ['a.py', 'sample-1.0.data/purelib/b.py', 'sample-1.0.data/platlib/c.so'];
    const planned = plan(sources, { wheel: wheelText(purelib, 'x') });
    t.deepEqual(
      sources.map((source) => placeOf(planned, source)),
      ['site/a.py', 'site/b.py', 'site/c.so'],
    );
    t.is(planned.rootIsPurelib, purelib);
  }
});

test('a folder that only looks like .data is a part of site-packages', (t) => {
  t.is(
    placeOf(plan(['pkg/sample.data/scripts/x']), 'pkg/sample.data/scripts/x'),
    'site/pkg/sample.data/scripts/x',
  );
});

for (const path of ['sample-1.0.data/other/x', 'sample-1.0.data/scripts', 'sample-1.0.data/constructor/x']) {
  test(`${path} is under no install scheme and refused`, async (t) => {
    const error = await refused(t, 'WHEEL_ENTRY', [path], () => installPlace(path));
    t.is(error.path, path);
  });
}

test('scripts are executable, other files as the archive says', (t) => {
  const planned = plan(['sample-1.0.data/scripts/s', 'tool', 'mod.py'], { executable: ['tool'] });
  const executable = planned.files.filter((file) => file.executable).map(({ source }) => source);
  t.deepEqual(executable, ['sample-1.0.data/scripts/s', 'tool']);
  t.deepEqual(
    planned.files.filter(({ script }) => script).map(({ path }) => path),
    ['s'],
  );
});

test('wrappers that were packed for entry points are left out', (t) => {
  const wrappers = ['run', 'run.exe', 'run-script.py', 'run-script.pyw', 'run.pya'];
  const sources = [...wrappers, 'runner', 'other.exe'].map((name) => `sample-1.0.data/scripts/${name}`);
  const planned = plan(sources, { entryPoints: '[console_scripts]\nrun = m:f\n' });
  t.deepEqual(
    planned.files.filter(({ scheme }) => scheme === 'bin').map(({ path }) => path),
    ['runner', 'other.exe'],
  );
});

test('every file but RECORD and its signatures has an expected digest', (t) => {
  const signatures = [`${distInfo}/RECORD.jws`, `${distInfo}/RECORD.p7s`];
  const planned = plan(['a.py', ...signatures], {
    record: (rows) => rows.filter(({ path }) => !signatures.includes(path)),
  });
  const without = planned.files.filter(({ expected }) => expected === undefined).map(({ source }) => source);
  t.deepEqual(without.sort(), [`${distInfo}/RECORD`, ...signatures].sort());
  t.is(planned.files.length, 6);
});

const recordRules: [string, string, (rows: RecordRow[]) => RecordRow[]][] = [
  ['lacks a file', 'does not list', (rows) => rows.filter(({ path }) => path !== 'a.py')],
  ['lists a file that the wheel lacks', 'ghost.py', (rows) => [...rows, rowOf('ghost.py', content)]],
  [
    'gives another size',
    'size of',
    (rows) => rows.map((row) => (row.path === 'a.py' ? { ...row, size: '8' } : row)),
  ],
  [
    'gives no hash',
    'no usable hash',
    (rows) => rows.map((row) => (row.path === 'a.py' ? { ...row, hash: '' } : row)),
  ],
  ['gives an MD5', 'no usable hash', (rows) => rows.map((row) => ({ ...row, hash: row.hash && 'md5=abc' }))],
  [
    'lists a file twice and differently',
    'twice',
    (rows) => [...rows, { ...rowOf('a.py', Buffer.from('CONTENT')), size: '' }],
  ],
];
for (const [title, says, record] of recordRules) {
  test(`a RECORD that ${title} is refused`, async (t) => {
    const error = await refused(t, 'WHEEL_RECORD', [says, `${distInfo}/RECORD`], () =>
      plan(['a.py'], { record }),
    );
    t.truthy(error.path);
  });
}

test('a RECORD that lists a file twice and equally is accepted', (t) => {
  t.notThrows(() => plan(['a.py'], { record: (rows) => [...rows, rowOf('a.py', content)] }));
});

for (const [name, version] of [
  ['other', '1.0'],
  ['sample', '2.0'],
  ['sample', '1.0+a+/../x'],
]) {
  test(`METADATA of ${name} ${version} does not belong to sample 1.0 and is refused`, async (t) => {
    await refused(t, 'WHEEL_METADATA', [`${distInfo}/METADATA`], () =>
      plan([], { metadata: metadataText(name!, version!) }),
    );
  });
}

test('a local version with a second plus sign is no spelling of the one in the file name', async (t) => {
  const local = parseWheelFilename('sample-1.0+a-py3-none-any.whl');
  const entries = ['METADATA', 'WHEEL', 'RECORD'].map((name) => ({
    path: `sample-1.0+a.dist-info/${name}` as RelativePath,
    sizeBytes: content.length,
    executable: false,
    mtimeNs: 0n,
  }));
  await refused(t, 'WHEEL_METADATA', ['METADATA'], () =>
    planWheel(local, 'sample-1.0+a.dist-info', entries, {
      wheel: wheelText(true, 'py3-none-any'),
      metadata: metadataText('sample', '1.0+a+/../../evil'),
      record: formatRecord(entries.map(({ path }) => rowOf(path, content))),
      entryPoints: '',
    }),
  );
});

function entriesOf(...paths: string[]): ArchiveEntry[] {
  return paths.map((path) => ({ path: path as RelativePath, sizeBytes: 0, executable: false, mtimeNs: 0n }));
}

test('the .dist-info folder is found whatever its spelling of name and version', (t) => {
  t.is(findDistInfo(entriesOf('a.py', 'Sample-1.0.0.dist-info/WHEEL'), filename), 'Sample-1.0.0.dist-info');
});

for (const [title, paths] of [
  ['without a .dist-info folder', ['a.py', 'pkg/x.dist-info/WHEEL']],
  ['with two .dist-info folders', ['sample-1.0.dist-info/WHEEL', 'other-1.0.dist-info/WHEEL']],
  ["with another distribution's .dist-info folder", ['other-1.0.dist-info/WHEEL']],
  ["with another version's .dist-info folder", ['sample-1.1.dist-info/WHEEL']],
] as const) {
  test(`a wheel ${title} is refused`, async (t) => {
    await refused(t, 'WHEEL_METADATA', ['.dist-info'], () => findDistInfo(entriesOf(...paths), filename));
  });
}
