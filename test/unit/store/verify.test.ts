import { execFileSync } from 'node:child_process';
import { copyFile, lstat, mkdir, readFile, rename, symlink, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { silentProgress } from '../../../src/base/progress.js';
import { header, sectionRecord } from '../../../src/image/format.js';
import { listHoldings } from '../../../src/store/holdings.js';
import { putWheel } from '../../../src/store/put.js';
import { Store } from '../../../src/store/store.js';
import { inspectImage } from '../../../src/store/verify/inspect.js';
import { type Verification, verifyStore } from '../../../src/store/verify/verify.js';
import { DamagedImage } from '../../support/image-damage.js';
import { StoredHome } from '../../support/stored-home.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { writeWheel } from '../../support/wheel-builder.js';

const files = {
  'pkg/__init__.py': 'x = 1\n',
  'pkg/data.bin': Buffer.alloc(300_000, 'abc'),
  'pkg/empty.py': '',
  // More than one piece, and it begins in the middle of one.
  'pkg/large.bin': Buffer.alloc(5_000_000, 'large'),
};

interface Stored {
  store: Store;
  path: string;
  wheel: string;
}

async function stored(t: ExecutionContext): Promise<Stored> {
  const folder = await temporaryFolder(t);
  const store = new Store(join(folder, 'store'));
  const wheel = await writeWheel(folder, { name: 'sample', files });
  const { image } = await putWheel(store, wheel);
  await putWheel(store, await writeWheel(folder, { name: 'other', files: { 'other.py': '' } }));
  return { store, path: image.path, wheel };
}

function verify(store: Store, distributions: string[] = [], signal?: AbortSignal): Promise<Verification> {
  return verifyStore(store, { distributions, progress: silentProgress, signal });
}

test('a store whose images are all sound has no faults', async (t) => {
  const { store } = await stored(t);
  const { count, faulty, strange } = await verify(store);
  t.deepEqual({ count, faulty, strange }, { count: 2, faulty: [], strange: [] });
});

test('a store that is not there is sound', async (t) => {
  const { count, faulty } = await verify(new Store(join(await temporaryFolder(t), 'none')));
  t.deepEqual({ count, faulty }, { count: 0, faulty: [] });
});

async function change(path: string, apply: (image: DamagedImage) => unknown): Promise<void> {
  const image = new DamagedImage(await readFile(path));
  apply(image);
  await writeFile(path, image.data);
}

const flip = (image: DamagedImage, at: number) => image.data.writeUInt8(image.data.readUInt8(at) ^ 1, at);
const contentOf = (image: DamagedImage, name: string) =>
  Number(image.data.readBigUInt64LE(image.node(image.find(name), 'contentOffset')));

const damages: [title: string, kind: string, rule: RegExp, damage: (path: string) => Promise<unknown>][] = [
  [
    'a flipped bit of a file',
    'damaged',
    /contents of 'site\/pkg\/data\.bin'/,
    (path) => change(path, (image) => flip(image, contentOf(image, 'data.bin') + 1000)),
  ],
  [
    'a flipped bit in the last piece of a large file',
    'damaged',
    /contents of 'site\/pkg\/large\.bin'/,
    (path) => change(path, (image) => flip(image, contentOf(image, 'large.bin') + 4_999_999)),
  ],
  [
    'a byte after the last file',
    'damaged',
    /between its files are not zero/,
    (path) => change(path, (image) => image.data.writeUInt8(1, image.data.length - 1)),
  ],
  [
    'a byte between sections',
    'damaged',
    /between its sections are not zero/,
    (path) => change(path, (image) => image.data.writeUInt8(1, image.offset('contents') - 1)),
  ],
  ['changed meta', 'damaged', /section 'meta'/, (path) => change(path, (i) => flip(i, i.offset('meta') + 9))],
  ['a changed node', 'damaged', /section 'nodes'/, (path) => change(path, (i) => flip(i, i.offset('nodes')))],
  [
    'a changed digest',
    'damaged',
    /section 'digests'/,
    (path) => change(path, (image) => flip(image, image.offset('digests'))),
  ],
  [
    'a digest that was changed and signed',
    'damaged',
    /contents of 'site\/pkg\/__init__\.py'/,
    (path) =>
      change(path, (image) => {
        const index = image.data.readUInt32LE(image.node(image.find('__init__.py'), 'digestIndex'));
        flip(image, image.offset('digests') + index * 32);
        image.sign();
      }),
  ],
  [
    'a changed header',
    'damaged',
    /header digest/,
    (path) => change(path, (image) => flip(image, header.sectionTable + sectionRecord.length)),
  ],
  [
    'another format',
    'version',
    /format 9/,
    (path) => change(path, (image) => image.data.writeUInt32LE(9, header.version)),
  ],
  ['a truncated file', 'damaged', /the file has 4096 bytes/, (path) => truncate(path, 4096)],
  ['a file that ends in its header', 'damaged', /magic number is missing/, (path) => truncate(path, 100)],
  ['an empty file', 'damaged', /magic number is missing/, (path) => truncate(path, 0)],
  [
    'a file of zeros',
    'damaged',
    /magic number is missing/,
    async (path) => writeFile(path, Buffer.alloc((await readFile(path)).length)),
  ],
  [
    'garbage',
    'damaged',
    /magic number is missing/,
    (path) => writeFile(path, Buffer.alloc(70_000, 'no image')),
  ],
  [
    'bytes after its end',
    'damaged',
    /bytes, not/,
    async (path) => writeFile(path, Buffer.concat([await readFile(path), Buffer.from('x')])),
  ],
];

test('every kind of damage is found and named, and no sound image is', async (t) => {
  const folder = await temporaryFolder(t);
  const store = new Store(join(folder, 'store'));
  const put = async (name: string) =>
    (await putWheel(store, await writeWheel(folder, { name, files }))).image.path;
  await put('sound');
  const paths: string[] = [];
  for (const [index, [, , , damage]] of damages.entries()) {
    paths.push(await put(`damaged${String(index).padStart(2, '0')}`));
    await damage(paths[index]!);
  }
  const { count, faulty } = await verify(store);
  t.is(count, damages.length + 1);
  t.deepEqual(
    faulty.map(({ path }) => path),
    paths,
  );
  for (const [index, [title, kind, rule]] of damages.entries()) {
    const [fault] = faulty[index]!.faults;
    t.is(fault!.kind as string, kind, title);
    t.regex(fault!.rule, rule, title);
    t.false(fault!.rule.includes(folder), title);
  }
});

test('every damaged file of one image is named', async (t) => {
  const { store, path } = await stored(t);
  await change(path, (image) => {
    for (const name of ['__init__.py', 'data.bin', 'large.bin']) flip(image, contentOf(image, name));
  });
  const { faulty } = await verify(store);
  t.is(faulty[0]!.faults.length, 3);
});

test('an image under the name of another is told, and so are two with one serial', async (t) => {
  const { store, path } = await stored(t);
  const moved = join(dirname(path), basename(path).replace('py3', 'py2'));
  await copyFile(path, moved);
  const rules = (await verify(store)).faulty.flatMap(({ faults }) => faults.map(({ kind }) => kind));
  t.deepEqual(rules.sort(), ['place', 'serial']);
  await rename(moved, path);
  t.deepEqual((await verify(store)).faulty, []);
});

test('files that are no images are named and are no faults', async (t) => {
  const { store, path } = await stored(t);
  const { images } = store.layout;
  const strange = [join(dirname(path), 'notes.txt'), join(images, 'readme'), join(images, 'sample', 'x')];
  for (const file of strange) await writeFile(file, 'x');
  const found = await verify(store);
  t.deepEqual(found.strange.sort(), strange.sort());
  t.deepEqual(found.faulty, []);
});

test('what no disk gives back is damaged', (t) => {
  // The page at address 0 is never mapped: pread(2) of it is EIO.
  const { faults } = inspectImage('/proc/self/mem', '/proc');
  t.deepEqual(faults, [{ kind: 'damaged', rule: 'it cannot be read (EIO)' }]);
});

test("a FIFO, a link and a folder under an image's name are opened, followed and removed by no command", async (t) => {
  const home = await StoredHome.make(t);
  const { path } = await home.put('alpha');
  const target = join(home.home, 'elsewhere-0123456789abcdef.img');
  await mkdir(home.home, { recursive: true });
  await copyFile(path, target);
  const named = (digit: string) => join(dirname(path), `py3-none-any-${digit.repeat(16)}.img`);
  execFileSync('mkfifo', [named('1')]);
  await symlink(target, named('2'));
  await mkdir(named('3'));
  await writeFile(join(named('3'), 'kept'), '');
  await symlink(dirname(target), join(home.layout.images, 'beta'));
  const strange = [join(home.layout.images, 'beta'), named('1'), named('2'), named('3')];
  const { count, ...found } = await verify(home.workspace.store);
  t.is(count, 1);
  t.deepEqual(found.strange.sort(), strange.sort());
  t.deepEqual(found.faulty, []);
  const holdings = await listHoldings(home.layout);
  t.deepEqual(
    holdings.map((holding) => holding.path),
    [path],
  );
  await home.publish('web');
  t.is((await home.gc()).images, 1);
  t.is(await lstat(path).catch(({ code }) => code), 'ENOENT');
  for (const thing of [...strange, target]) t.truthy(await lstat(thing), thing);
});

test('only the distributions that are named are looked at, however they are spelled', async (t) => {
  const { store, path } = await stored(t);
  await truncate(path, 10);
  t.is((await verify(store, ['Other'])).faulty.length, 0);
  t.is((await verify(store, ['SAMPLE'])).faulty.length, 1);
});

test('an aborted verification ends with the reason', async (t) => {
  const { store } = await stored(t);
  const abort = new AbortController();
  const ended = verify(store, [], abort.signal).catch((error: unknown) => error);
  abort.abort();
  t.is(await ended, abort.signal.reason);
});
