import test from 'ava';
import { attributesOf, listEntries, locate, originOf } from '../../../src/view/locate.js';
import { refused } from '../../support/refusal.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { buildImages, composeImages, site, sourceOf, walkView } from '../../support/views.js';

test('an environment without distributions is its skeleton', (t) => {
  const view = composeImages([]);
  const paths = [...walkView(view)].map(([path]) => path);
  t.deepEqual(paths, [
    'bin',
    'bin/activate',
    'bin/python',
    'bin/python3',
    'include',
    'lib',
    'lib/python3.11',
    site,
    'lib64',
    'pyvenv.cfg',
  ]);
});

test('each scheme goes to its place', async (t) => {
  const images = await buildImages(await temporaryFolder(t), [
    {
      name: 'Foo',
      files: { 'site/foo.py': '', 'bin/tool': '', 'data/share/x/y': '', 'include/foo.h': '', 'data/top': '' },
    },
  ]);
  const view = composeImages(images);
  t.is(sourceOf(view, `${site}/foo.py`), 'file of Foo');
  t.is(sourceOf(view, 'bin/tool'), 'file of Foo');
  t.is(sourceOf(view, 'share'), 'graft of Foo');
  t.is(sourceOf(view, 'share/x/y'), 'file of Foo');
  t.is(sourceOf(view, 'top'), 'file of Foo');
  t.is(sourceOf(view, 'include/site/python3.11/Foo/foo.h'), 'file of Foo');
  t.is(sourceOf(view, 'bin/activate'), 'generated');
  t.is(sourceOf(view, 'nothing'), undefined);
  t.is(sourceOf(view, 'top/below-a-file'), undefined);
});

test('namespace packages of two distributions merge, what one alone has is a graft', async (t) => {
  const images = await buildImages(await temporaryFolder(t), [
    { name: 'one', files: { 'site/ns/one/__init__.py': '', 'site/ns/deep/a/x.py': '' } },
    { name: 'two', files: { 'site/ns/two/__init__.py': '', 'site/ns/deep/b/y.py': '' } },
  ]);
  const view = composeImages(images);
  t.is(sourceOf(view, `${site}/ns`), 'directory');
  t.is(sourceOf(view, `${site}/ns/one`), 'graft of one');
  t.is(sourceOf(view, `${site}/ns/two`), 'graft of two');
  t.is(sourceOf(view, `${site}/ns/deep`), 'directory');
  t.is(sourceOf(view, `${site}/ns/deep/a/x.py`), 'file of one');
  t.is(sourceOf(view, `${site}/ns/deep/b`), 'graft of two');
  t.deepEqual(view.clashes, []);
});

test('of two that own one file the later one wins, and the clash is reported', async (t) => {
  const images = await buildImages(await temporaryFolder(t), [
    { name: 'one', files: { 'site/shared/__init__.py': '1', 'site/shared/one.py': '' } },
    { name: 'two', files: { 'site/shared/__init__.py': '2', 'site/shared/two.py': '' } },
  ]);
  const path = `${site}/shared/__init__.py`;
  const forward = composeImages(images);
  t.is(sourceOf(forward, path), 'file of two');
  t.deepEqual(forward.clashes as unknown, [{ path, earlier: 'one 1.0', later: 'two 1.0' }]);
  const backward = composeImages([...images].reverse());
  t.is(sourceOf(backward, path), 'file of one');
  t.is(sourceOf(backward, `${site}/shared/two.py`), 'file of two');
});

test("a distribution that brings a file of the skeleton's is reported", async (t) => {
  const images = await buildImages(await temporaryFolder(t), [
    { name: 'one', files: { 'bin/activate': 'x' } },
  ]);
  const view = composeImages(images);
  t.is(sourceOf(view, 'bin/activate'), 'file of one');
  t.deepEqual(view.clashes as unknown, [
    { path: 'bin/activate', earlier: 'the environment itself', later: 'one 1.0' },
  ]);
});

const conflicts: [string, string, Record<string, string>, Record<string, string>][] = [
  ['a file and a directory', `${site}/x`, { 'site/x': '' }, { 'site/x/y': '' }],
  ['a directory and a file', `${site}/x`, { 'site/x/y': '' }, { 'site/x': '' }],
  [
    'a nested file and directory',
    `${site}/a/b/c`,
    { 'site/a/b/c': '', 'site/a/1': '' },
    { 'site/a/b/c/d': '' },
  ],
  ['a file in the place of bin', 'bin', {}, { 'data/bin': '' }],
  ['a file in the place of site-packages', site, {}, { [`data/${site}`]: '' }],
  [
    'a file in the place of its own metadata folder',
    `${site}/two-1.0.dist-info`,
    { 'site/two-1.0.dist-info': '' },
    {},
  ],
];
for (const [title, path, one, two] of conflicts) {
  test(`${title} at one path cannot be composed`, async (t) => {
    const images = await buildImages(await temporaryFolder(t), [
      { name: 'one', files: one },
      { name: 'two', files: two },
    ]);
    const error = await refused(t, 'PATH_CONFLICT', [`'${path}'`, 'two 1.0'], () => composeImages(images));
    t.is(error.path, path);
  });
}

test('a file of a distribution where its own generated file goes as a directory cannot be composed', async (t) => {
  const images = await buildImages(await temporaryFolder(t), [
    { name: 'one', files: { 'site/one-1.0.dist-info/INSTALLER/x': '' } },
  ]);
  await refused(t, 'PATH_CONFLICT', ['INSTALLER'], () => composeImages(images));
});

async function touched(t: Parameters<typeof temporaryFolder>[0], count: number): Promise<number> {
  const files = Object.fromEntries(Array.from({ length: count }, (_, at) => [`site/pkg/m${at}.py`, '']));
  const [image] = await buildImages(await temporaryFolder(t), [{ name: 'big', files }]);
  return composeImages([image!]).namesTouched;
}

test('composing touches as many names for 5,000 files below one package as for 50', async (t) => {
  const [many, few] = [await touched(t, 5000), await touched(t, 50)];
  t.true(many < 60, `${many} names`);
  t.is(many, few);
});

test('composing touches names in proportion to the distributions, not to their files', async (t) => {
  const specs = (count: number, files: number) =>
    Array.from({ length: count }, (_, at) => ({
      name: `dist${at}`,
      files: Object.fromEntries(Array.from({ length: files }, (__, f) => [`site/pkg${at}/m${f}.py`, ''])),
    }));
  const names = async (count: number, files: number) =>
    composeImages(await buildImages(await temporaryFolder(t), specs(count, files))).namesTouched;
  const [ten, twenty] = [await names(10, 5), await names(20, 5)];
  t.is(await names(10, 100), ten);
  const skeleton = composeImages([]).namesTouched;
  t.is(twenty - skeleton, 2 * (ten - skeleton));
});

test('data files under lib64 land where lib64 leads', async (t) => {
  const [image] = await buildImages(await temporaryFolder(t), [
    { files: { 'data/lib64/libx.so': '', 'data/lib64/python3.11/site-packages/y.py': '' } },
  ]);
  const view = composeImages([image!]);
  t.is(sourceOf(view, 'lib64'), 'link');
  t.is(sourceOf(view, 'lib/libx.so'), 'file of sample');
  t.is(sourceOf(view, `${site}/y.py`), 'file of sample');
});

test('a data folder of two distributions merges', async (t) => {
  const images = await buildImages(await temporaryFolder(t), [
    { name: 'one', files: { 'data/share/man/a.1': '', 'data/etc/one': '' } },
    { name: 'two', files: { 'data/share/man/b.1': '', 'data/bin/from-data': '', 'bin/from-bin': '' } },
  ]);
  const view = composeImages(images);
  const names = listEntries(view, locate(view, 'share/man')!)!.map(([name]) => name);
  t.deepEqual(names, ['a.1', 'b.1']);
  t.is(sourceOf(view, 'etc'), 'graft of one');
  t.is(sourceOf(view, 'bin/from-data'), 'file of two');
  t.is(sourceOf(view, 'bin/from-bin'), 'file of two');
});

test('listings are sorted by name bytes, also where the view itself holds them', async (t) => {
  const images = await buildImages(await temporaryFolder(t), [
    { name: 'one', files: { 'site/\uff5e.py': '', 'site/a.py': '', 'site/Z.py': '' } },
    { name: 'two', files: { 'site/🐍.py': '', 'site/é.py': '' } },
  ]);
  const view = composeImages(images);
  const names = listEntries(view, locate(view, site)!)!.map(([name]) => name);
  t.deepEqual(names, [
    'Z.py',
    'a.py',
    'one-1.0.dist-info',
    'two-1.0.dist-info',
    'é.py',
    '\uff5e.py',
    '🐍.py',
  ]);
});

test('composing the same twice gives the same tree', async (t) => {
  const images = await buildImages(await temporaryFolder(t), [
    { name: 'one', files: { 'site/ns/a.py': '' } },
    { name: 'two', files: { 'site/ns/b.py': '' } },
  ]);
  const tree = () =>
    [...walkView(composeImages(images))].map(([path, entry]) => [
      path,
      entry.kind,
      attributesOf(composeImages(images), entry),
    ]);
  t.deepEqual(tree(), tree());
});

test('a file of an image tells distribution, version and wheel; what is generated does not', async (t) => {
  const [image] = await buildImages(await temporaryFolder(t), [
    { name: 'Foo', version: '2', files: { 'site/foo.py': '' } },
  ]);
  const view = composeImages([image!]);
  t.is(originOf(view, locate(view, `${site}/foo.py`)!), `Foo 2 sha256:${image!.wheelDigest}`);
  t.is(originOf(view, locate(view, 'pyvenv.cfg')!), undefined);
  t.is(originOf(view, locate(view, site)!), undefined);
});
