import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { sha256 } from '../../../src/base/digest.js';
import type { ErrorCode } from '../../../src/base/errors.js';
import { Image } from '../../../src/image/read.js';
import { ImageCache } from '../../../src/store/image-cache.js';
import { ImageContents } from '../../../src/store/image-contents.js';
import { putWheel } from '../../../src/store/put.js';
import { Store } from '../../../src/store/store.js';
import { refused } from '../../support/refusal.js';
import { Sandbox } from '../../support/sandbox.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { compareTrees, readTree } from '../../support/tree.js';
import { buildWheel, rowOf, type WheelSpec, writeWheel } from '../../support/wheel-builder.js';

const files = { 'pkg/__init__.py': 'x = 1\n', 'pkg/data.bin': Buffer.alloc(300_000, 'abc') };

async function storeOf(t: ExecutionContext): Promise<{ folder: string; store: Store }> {
  const folder = await temporaryFolder(t);
  return { folder, store: new Store(join(folder, 'store')) };
}

async function listed(store: Store): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list()) paths.push(path);
  return paths;
}

test('a wheel becomes one image under its name, version and tags, with nothing left in staging', async (t) => {
  const { folder, store } = await storeOf(t);
  const wheel = await writeWheel(folder, { name: 'My_Sample', version: '1.0+local', files });
  const { image, added } = await putWheel(store, wheel);
  t.true(added);
  const place = image.path.slice(store.layout.images.length + 1);
  t.regex(place, /^my-sample\/1\.0\+local\/py3-none-any-[0-9a-f]{16}\.img$/);
  t.true(place.includes(image.wheelDigest.slice(0, 16)));
  t.deepEqual(await readdir(store.layout.staging), []);
});

test('adding a wheel again gives the image that is there', async (t) => {
  const { folder, store } = await storeOf(t);
  const wheel = await writeWheel(folder, { files });
  const first = await putWheel(store, wheel);
  const again = await putWheel(store, wheel);
  t.false(again.added);
  t.is(again.image.serial, first.image.serial);
  t.is((await listed(store)).length, 1);
});

test('two builds of one version are two images, each found by its digest', async (t) => {
  const { folder, store } = await storeOf(t);
  const one = await putWheel(store, await writeWheel(join(folder, '1'), { files }));
  const two = await putWheel(store, await writeWheel(join(folder, '2'), { files: { 'pkg/y.py': 'y\n' } }));
  t.not(one.image.serial, two.image.serial);
  for (const { image } of [one, two])
    t.is((await store.open('Sample', '1.0.0', image.wheelDigest)).serial, image.serial);
});

test('processes that add the same wheel at once end with one image and all succeed', async (t) => {
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy());
  const wheel = await writeWheel(sandbox.path('wheels'), { files, deflate: true });
  const ended = await Promise.all(
    Array.from({ length: 6 }, () => sandbox.shenv('store', 'add', '--json', wheel)),
  );
  t.deepEqual(
    ended.map(({ status, stderr }) => `${status} ${stderr}`),
    Array(6).fill('0 '),
  );
  const added = ended.map(({ stdout }) => (JSON.parse(stdout) as { added: boolean }[])[0]!.added);
  t.is(added.filter(Boolean).length, 1);
  const store = new Store(sandbox.path('home', 'store'));
  t.is((await listed(store)).length, 1);
  t.deepEqual(await readdir(store.layout.staging), []);
});

test('wheels that are added at once get different serials', async (t) => {
  const { folder, store } = await storeOf(t);
  const wheels = await Promise.all(
    Array.from({ length: 20 }, (_, at) => writeWheel(folder, { name: `sample${at}`, files })),
  );
  const images = await Promise.all(wheels.map(async (wheel) => (await putWheel(store, wheel)).image));
  t.is(new Set(images.map(({ serial }) => serial)).size, 20);
});

test('a serial is not given again when its image was removed', async (t) => {
  const { folder, store } = await storeOf(t);
  const wheel = await writeWheel(folder, { files });
  const serials = new Set<number>();
  for (let round = 0; round < 5; round += 1) {
    const { image, added } = await putWheel(store, wheel);
    t.true(added);
    serials.add(image.serial);
    await rm(image.path);
  }
  t.is(serials.size, 5);
  t.deepEqual(await listed(store), []);
});

const corrupt = (name: string, change: object) => (members: { name: string | Buffer }[]) =>
  members.map((member) => (member.name === name ? { ...member, ...change } : member)) as never;

const refusals: [string, ErrorCode, string, WheelSpec][] = [
  ['a wrong CRC', 'WHEEL_ARCHIVE', 'CRC-32', { members: corrupt('pkg/data.bin', { crc: 7 }) }],
  [
    'a wrong RECORD hash',
    'WHEEL_RECORD',
    'pkg/data.bin',
    {
      record: (rows) =>
        rows.map((row) =>
          row.path === 'pkg/data.bin' ? { ...rowOf(row.path, Buffer.alloc(1)), size: '300000' } : row,
        ),
    },
  ],
  ['a missing RECORD row', 'WHEEL_RECORD', 'does not list', { record: (rows) => rows.slice(1) }],
  [
    'an extra RECORD row',
    'WHEEL_RECORD',
    'ghost',
    { record: (rows) => [...rows, rowOf('ghost', Buffer.alloc(0))] },
  ],
  ['no RECORD', 'WHEEL_RECORD', 'RECORD', { record: () => null }],
  ['no METADATA', 'WHEEL_METADATA', 'METADATA', { metadata: null }],
  ['no WHEEL', 'WHEEL_METADATA', 'WHEEL', { wheel: null }],
  ['Wheel-Version 2.0', 'WHEEL_METADATA', '2.0', { wheel: 'Wheel-Version: 2.0\nRoot-Is-Purelib: true\n' }],
  ["another distribution's metadata", 'WHEEL_METADATA', 'other', { metadata: 'Name: other\nVersion: 1.0\n' }],
  [
    'two .dist-info folders',
    'WHEEL_METADATA',
    '2 .dist-info',
    { files: { ...files, 'other-1.dist-info/METADATA': 'x' } },
  ],
  ['a symbolic link', 'WHEEL_ENTRY', 'link', { members: corrupt('pkg/__init__.py', { mode: 0o120777 }) }],
  ['a name outside', 'WHEEL_ENTRY', "'..'", { files: { '../evil.py': 'x' } }],
  [
    'a file under no scheme',
    'WHEEL_ENTRY',
    'sample-1.0.data/extra',
    { files: { 'sample-1.0.data/extra/x': 'x' } },
  ],
  [
    'a file where there is a folder',
    'WHEEL_ENTRY',
    'pkg',
    { files: { 'sample-1.0.data/purelib/pkg': 'x', ...files } },
  ],
  [
    'a file twice through two schemes',
    'WHEEL_ENTRY',
    'pkg/__init__.py',
    {
      files: { 'sample-1.0.data/purelib/pkg/__init__.py': 'x', ...files },
    },
  ],
  [
    'a bad entry point',
    'WHEEL_ENTRY_POINT',
    'entry_points.txt',
    { entryPoints: '[console_scripts]\n../x = m:f\n' },
  ],
];

for (const [title, code, says, spec] of refusals) {
  test(`a wheel with ${title} is refused and the store is as it was`, async (t) => {
    const { folder, store } = await storeOf(t);
    await putWheel(store, await writeWheel(join(folder, 'good'), { name: 'good', files }));
    const before = await readTree(store.layout.root);
    const wheel = await writeWheel(folder, { files, ...spec });
    await refused(t, code, [says], () => putWheel(store, wheel));
    t.deepEqual(compareTrees(before, await readTree(store.layout.root)), []);
  });
}

test('a file that is no wheel by its name is refused before it is read', async (t) => {
  const { folder, store } = await storeOf(t);
  await refused(t, 'WHEEL_NAME', ['nonsense.whl'], () => putWheel(store, join(folder, 'nonsense.whl')));
});

test('a truncated wheel is refused', async (t) => {
  const { folder, store } = await storeOf(t);
  const { fileName, data } = buildWheel({ files });
  await writeFile(join(folder, fileName), data.subarray(0, data.length / 2));
  await refused(t, 'WHEEL_ARCHIVE', [fileName], () => putWheel(store, join(folder, fileName)));
});

test('a store that cannot be made is named', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'file'), '');
  const store = new Store(join(folder, 'file', 'store'));
  const wheel = await writeWheel(folder, { files });
  await refused(t, 'STORE_UNUSABLE', ['file/store'], () => putWheel(store, wheel));
});

test('the first line of a #!python script is left to the environment, another is kept', async (t) => {
  const { folder, store } = await storeOf(t);
  const scripts = {
    'sample-1.0.data/scripts/one': '#!python\nbody\n',
    'sample-1.0.data/scripts/two': '#!pythonw -E\r\nbody\n',
    'sample-1.0.data/scripts/three': '#!/bin/sh\nbody\n',
    'sample-1.0.data/scripts/four': '#!python',
  };
  const { image } = await putWheel(store, await writeWheel(folder, { files: scripts }));
  const contents = new ImageContents();
  t.teardown(() => contents.close());
  const found: Record<string, unknown> = {};
  for (const name of ['one', 'two', 'three', 'four']) {
    const node = image.resolve(`bin/${name}`)!;
    found[name] = [image.isPythonScript(node), String(await contents.readAll(image, node))];
    t.is(image.modeOf(node), 0o100755);
  }
  const [one, two, three, four] = [
    [true, 'body\n'],
    [true, 'body\n'],
    [false, '#!/bin/sh\nbody\n'],
    [true, ''],
  ];
  t.deepEqual(found, { one, two, three, four });
});

test('an image of a built wheel is found by its source and tags', async (t) => {
  const { folder, store } = await storeOf(t);
  const source = sha256(Buffer.from('source'));
  await putWheel(store, await writeWheel(join(folder, 'downloaded'), { files }));
  const wheel = await writeWheel(join(folder, 'built'), { tags: 'cp311-cp311-linux_x86_64', files });
  const { image } = await putWheel(store, wheel, { builtFrom: source });
  const tags = new Set(['cp311-cp311-linux_x86_64', 'py3-none-any']);
  t.is((await store.findBuilt('SAMPLE', '1.0.0', source, tags))?.serial, image.serial);
  t.is(await store.findBuilt('sample', '1.0', source, new Set(['py3-none-any'])), undefined);
  t.is(await store.findBuilt('sample', '1.0', sha256(Buffer.from('other')), tags), undefined);
  t.is(await store.findBuilt('sample', '1.1', source, tags), undefined);
});

test('a store copied from another machine works, and counts its serials on', async (t) => {
  const { folder, store } = await storeOf(t);
  const { image } = await putWheel(store, await writeWheel(folder, { files }));
  const copy = new Store(join(folder, 'copy'));
  await cp(store.layout.root, copy.layout.root, { recursive: true });
  const opened = await copy.open('sample', '1.0', image.wheelDigest);
  t.is(opened.serial, image.serial);
  const next = await putWheel(copy, await writeWheel(folder, { name: 'other', files }));
  t.true(next.image.serial > image.serial);
});

test('an image that the store lacks is missing, by name and version', async (t) => {
  const { store } = await storeOf(t);
  await refused(t, 'IMAGE_MISSING', ['sample 1.0'], () =>
    store.open('sample', '1.0', sha256(Buffer.alloc(0))),
  );
});

test('a failure to open an image is not remembered', async (t) => {
  const { folder, store } = await storeOf(t);
  const wheel = await writeWheel(folder, { files });
  const reference = { name: 'sample', version: '1.0', wheelDigest: sha256(await readFile(wheel)) };
  const cache = new ImageCache(store);
  await refused(t, 'IMAGE_MISSING', ['sample'], () => cache.open(reference));
  await putWheel(store, wheel);
  const image = await cache.open(reference);
  t.is(await cache.open(reference), image);
});

test('the cache finds what somebody holds, however few it keeps itself, until its file is replaced', async (t) => {
  const { folder, store } = await storeOf(t);
  const cache = new ImageCache(store, undefined, 1);
  const names = ['one', 'two', 'three'];
  const images: Image[] = [];
  for (const name of names) {
    const wheel = await writeWheel(folder, { name, files });
    await putWheel(store, wheel);
    images.push(await cache.open({ name, version: '1.0', wheelDigest: sha256(await readFile(wheel)) }));
  }
  t.is(cache.count, 3);
  const again = () =>
    Promise.all(images.map(({ meta, wheelDigest }) => cache.open({ ...meta, wheelDigest })));
  t.deepEqual(
    (await again()).map((image, index) => image === images[index]),
    [true, true, true],
  );
  await cache.forget(new Set([images[0]!.path]));
  t.is(cache.count, 2);
  t.deepEqual(
    (await again()).map((image, index) => image === images[index]),
    [false, true, true],
  );
});

test('files that are no images do not disturb the list', async (t) => {
  const { folder, store } = await storeOf(t);
  const { image } = await putWheel(store, await writeWheel(folder, { files }));
  await writeFile(join(store.layout.images, 'stray'), '');
  await mkdir(join(store.layout.images, 'empty', '1.0'), { recursive: true });
  await copyFile(image.path, `${image.path}.bak`);
  t.deepEqual(await listed(store), [image.path]);
  t.is((await Image.open(image.path)).meta.name, 'sample');
});
