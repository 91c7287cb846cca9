import { createHash } from 'node:crypto';
import { join, posix } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ImageContents } from '../../../src/store/image-contents.js';
import { putWheel } from '../../../src/store/put.js';
import { Store } from '../../../src/store/store.js';
import { compose } from '../../../src/view/compose.js';
import { composeControlView } from '../../../src/view/control-view.js';
import { locate } from '../../../src/view/locate.js';
import { render } from '../../../src/view/render.js';
import type { View, ViewEntry, ViewLayer } from '../../../src/view/tree.js';
import { parseRecord, recordHash } from '../../../src/wheel/record.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { buildImages, fakeInterpreter, layerOf, site, sourceOf, walkView } from '../../support/views.js';
import { type WheelSpec, writeWheel } from '../../support/wheel-builder.js';

const rich: WheelSpec = {
  name: 'rich_wheel',
  version: '1.0',
  entryPoints: '[console_scripts]\nrun = pkg.cli:main\n[gui_scripts]\ngui = pkg.gui:main\n',
  files: {
    'pkg/__init__.py': 'x = 1\n',
    'pkg/größe, "quoted".txt': 'odd\n',
    'rich_wheel-1.0.data/scripts/tool': '#!python\nprint(1)\n',
    'rich_wheel-1.0.data/scripts/plain': '#!/bin/sh\n',
    'rich_wheel-1.0.data/data/share/x': 'data\n',
    'rich_wheel-1.0.data/headers/h.h': 'header\n',
  },
};

interface Shown {
  view: View;
  text(path: string): Promise<string>;
}

async function show(t: ExecutionContext, more: Partial<ViewLayer>, path = '/mnt/demo'): Promise<Shown> {
  const folder = await temporaryFolder(t);
  const store = new Store(join(folder, 'store'));
  const { image } = await putWheel(store, await writeWheel(folder, rich));
  const view = compose({
    environmentSerial: 1,
    interpreter: fakeInterpreter(),
    layers: [layerOf(image, 1, more)],
    systemSitePackages: false,
    mtimeNs: 0n,
  });
  const contents = new ImageContents();
  t.teardown(() => contents.close());
  const bytes = (entry: ViewEntry): Promise<Buffer> => {
    if (entry.kind === 'file') return contents.readAll(view.layers[entry.layer]!.image, entry.node);
    if (entry.kind !== 'generated') throw new Error(`a ${entry.kind} has no bytes`);
    return render(view, entry.content, {
      path,
      name: posix.basename(path),
      systemSitePackages: false,
      readContents: (from, node) => contents.readAll(from, node),
    });
  };
  return { view, text: async (at) => String(await bytes(locate(view, at)!)) };
}

const info = `${site}/rich_wheel-1.0.dist-info`;

for (const [title, more] of [
  ['asked for', { requested: true }],
  ['needed by another', {}],
  ['that came from a URL', { requested: true, directUrl: { url: 'file:///x', archive_info: {} } }],
] as const) {
  test(`RECORD of a distribution ${title} lists exactly what the environment shows of it`, async (t) => {
    const { view, text } = await show(t, more);
    const rows = parseRecord(await text(`${info}/RECORD`), 'RECORD');
    const listed = rows.map(({ path }) => posix.join(site, path)).sort();
    const shown = [...walkView(view)]
      .filter(
        ([, entry]) => entry.kind === 'file' || (entry.kind === 'generated' && entry.layer !== undefined),
      )
      .map(([path]) => path);
    t.deepEqual(listed, shown.sort());
    for (const row of rows) {
      if (row.path.endsWith('/RECORD')) {
        t.is(row.hash + row.size, '');
        continue;
      }
      const data = Buffer.from(await text(posix.join(site, row.path)));
      t.is(row.size, String(data.length), row.path);
      t.is(row.hash, recordHash(createHash('sha256').update(data).digest()), row.path);
    }
  });
}

test('REQUESTED stands with what was asked for only, INSTALLER with all', async (t) => {
  const asked = await show(t, { requested: true, installer: 'shenv' });
  t.is(await asked.text(`${info}/REQUESTED`), '');
  t.is(await asked.text(`${info}/INSTALLER`), 'shenv\n');
  const needed = await show(t, {});
  t.is(sourceOf(needed.view, `${info}/REQUESTED`), undefined);
  t.is(sourceOf(needed.view, `${info}/direct_url.json`), undefined);
});

test("direct_url.json is written as Python's json module writes it", async (t) => {
  const directUrl = {
    url: 'file:///grö\u{1f40d}',
    archive_info: { hashes: { sha256: 'x' } },
    list: [1, true, null],
  };
  const { text } = await show(t, { directUrl });
  t.is(
    await text(`${info}/direct_url.json`),
    '{"archive_info": {"hashes": {"sha256": "x"}}, "list": [1, true, null], "url": "file:///gr\\u00f6\\ud83d\\udc0d"}',
  );
});

test("scripts start the environment's interpreter, wherever it is shown", async (t) => {
  const { text } = await show(t, {}, '/mnt/demo');
  t.true((await text('bin/run')).startsWith('#!/mnt/demo/bin/python\n'));
  t.is(await text('bin/tool'), '#!/mnt/demo/bin/python\nprint(1)\n');
  t.is(await text('bin/plain'), '#!/bin/sh\n');
  const spaced = await show(t, {}, '/my envs/demo');
  t.is(
    await spaced.text('bin/tool'),
    `#!/bin/sh\n'''exec' "/my envs/demo/bin/python" "$0" "$@"\n' '''\nprint(1)\n`,
  );
});

test("templates are filled with the environment's path and name", async (t) => {
  const { text } = await show(t, {}, '/mnt/my env');
  t.is(await text('bin/activate'), `V='/mnt/my env' P=(my env) \n`);
  t.is(await text('pyvenv.cfg'), 'home = /usr/bin\ninclude-system-site-packages = false\n');
});

test('the control view shows status and each image by name and version', async (t) => {
  const images = await buildImages(await temporaryFolder(t), [
    { name: 'Foo', version: '1.0', files: { 'site/foo.py': 'a', 'bin/x': '' } },
    { name: 'Foo', version: '2.0', files: { 'site/foo.py': 'b' } },
    { name: 'bar', version: '1.0', files: { 'site/bar/__init__.py': '' } },
  ]);
  let looks = 0;
  const view = composeControlView(images, () => `{"looks":${++looks}}`, 0n);
  const tops = [...walkView(view)].map(([path]) => path).filter((path) => path.split('/').length <= 3);
  t.deepEqual(tops, [
    'packages',
    'packages/Foo',
    'packages/Foo/1.0',
    'packages/Foo/2.0',
    'packages/bar',
    'packages/bar/1.0',
    'status.json',
  ]);
  t.is(sourceOf(view, 'packages/Foo/2.0/foo.py'), 'file of Foo');
  t.is(sourceOf(view, 'packages/Foo/1.0/x'), undefined);
  const status = locate(view, 'status.json');
  t.true(status?.kind === 'generated' && status.content.type === 'volatile');
});

test('a second build of one version is shown beside the first, under the start of its digest', async (t) => {
  const images = await buildImages(await temporaryFolder(t), [
    { name: 'foo', files: { 'site/foo.py': 'a' } },
    { name: 'foo', files: { 'site/foo.py': 'b' } },
  ]);
  const view = composeControlView(images, () => '', 0n);
  t.is(sourceOf(view, 'packages/foo/1.0'), 'graft of foo');
  t.is(sourceOf(view, `packages/foo/1.0-${images[1]!.wheelDigest.slice(0, 12)}`), 'graft of foo');
});
