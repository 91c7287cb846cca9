import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readDigests } from '../../../src/image/digests.js';
import { dumpImage, walkImage } from '../../../src/image/dump.js';
import type { Image } from '../../../src/image/read.js';
import { putWheel } from '../../../src/store/put.js';
import { Store } from '../../../src/store/store.js';
import { matchesGolden } from '../../support/golden.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { type WheelSpec, writeWheel } from '../../support/wheel-builder.js';

const small: WheelSpec = {
  name: 'small_wheel',
  version: '1.2.3',
  build: '7',
  tags: 'py2.py3-none-any',
  requires: ['requests>=2', 'idna; extra == "names"'],
  entryPoints: '[console_scripts]\nsmall = small.cli:main\n[gui_scripts]\nsmall-gui = small.gui:App.run\n',
  executable: ['small/tool'],
  files: {
    'small/__init__.py': 'VERSION = "1.2.3"\n',
    'small/empty.py': '',
    'small/tool': '#!/bin/sh\n',
    'small/größe.txt': 'bytes\n',
    'small/table.bin': Buffer.alloc(70_000, 'shenv-fs'),
    'small_wheel-1.2.3.data/scripts/run-small': '#!python\nprint(1)\n',
    'small_wheel-1.2.3.data/data/share/small/readme': 'read me\n',
    'small_wheel-1.2.3.data/headers/small.h': '#define SMALL 1\n',
    'small_wheel-1.2.3.data/platlib/extra.py': 'x = 1\n',
  },
};

async function dump(folder: string): Promise<string> {
  const image = await put(folder);
  return dumpImage(image, await readDigests(image));
}

async function put(folder: string): Promise<Image> {
  const wheel = await writeWheel(join(folder, 'wheels'), small);
  const store = new Store(join(folder, 'store'));
  await mkdir(store.layout.serials, { recursive: true });
  // The next serial is one higher than the highest that was given.
  await writeFile(join(store.layout.serials, '41'), '');
  return (await putWheel(store, wheel)).image;
}

test('the image of a small wheel is, byte for byte of its dump, what it was', async (t) => {
  await matchesGolden(t, 'small-wheel.dump', await dump(await temporaryFolder(t)));
});

test('equal wheels in two stores give equal dumps', async (t) => {
  t.is(await dump(await temporaryFolder(t)), await dump(await temporaryFolder(t)));
});

test('meta counts the files of the image and sums their sizes', async (t) => {
  const image = await put(await temporaryFolder(t));
  const files = [...walkImage(image)].filter(({ node }) => !image.isDirectory(node));
  t.is(image.meta.fileCount, files.length);
  t.is(
    image.meta.contentBytes,
    files.reduce((sum, { node }) => sum + image.fileOf(node).sizeBytes, 0),
  );
});
