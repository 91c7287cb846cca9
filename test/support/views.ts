import type { Image } from '../../src/image/read.js';
import type { InterpreterRecord } from '../../src/python/interpreter-record.js';
import { compose } from '../../src/view/compose.js';
import { attributesOf, isDirectory, listEntries, locate } from '../../src/view/locate.js';
import type { View, ViewEntry, ViewLayer } from '../../src/view/tree.js';
import { type ImageSpec, sampleImage } from './image-builder.js';

/** An interpreter of a test's own making, with a skeleton like that of `python -m venv`. */
export function fakeInterpreter(minor = '3.11'): InterpreterRecord {
  return {
    implementation: 'cpython',
    version: `${minor}.1`,
    minor,
    cacheTag: `cpython-${minor.replace('.', '')}`,
    executable: '/usr/bin/python3',
    baseExecutable: '/usr/bin/python3',
    basePrefix: '/usr',
    pipVersion: null,
    ensurepipWheel: null,
    tags: ['py3-none-any'],
    skeleton: [
      { kind: 'directory', path: 'bin' },
      {
        kind: 'file',
        path: 'bin/activate',
        executable: false,
        segments: ['V=', ['path', 'posix'], ' P=', ['prompt', 'raw'], '\n'],
      },
      { kind: 'link', path: 'bin/python', target: '/usr/bin/python3' },
      { kind: 'link', path: 'bin/python3', target: 'python' },
      { kind: 'directory', path: 'include' },
      { kind: 'directory', path: 'lib' },
      { kind: 'directory', path: `lib/python${minor}` },
      { kind: 'directory', path: `lib/python${minor}/site-packages` },
      { kind: 'link', path: 'lib64', target: 'lib' },
      {
        kind: 'file',
        path: 'pyvenv.cfg',
        executable: false,
        segments: ['home = /usr/bin\ninclude-system-site-packages = ', ['systemSitePackages', 'raw'], '\n'],
      },
    ],
  };
}

export const site = 'lib/python3.11/site-packages';

export function layerOf(image: Image, slot: number, more: Partial<ViewLayer> = {}): ViewLayer {
  return { image, slot, requested: false, installer: 'pip', directUrl: undefined, ...more };
}

/** Composes images in their order; slots count from 1. */
export function composeImages(images: readonly Image[], environmentSerial = 1, minor = '3.11'): View {
  return compose({
    environmentSerial,
    interpreter: fakeInterpreter(minor),
    layers: images.map((image, index) => layerOf(image, index + 1)),
    systemSitePackages: false,
    mtimeNs: 1_700_000_000_000_000_000n,
  });
}

/** Builds an image for each spec, serials counting from 1, each with the `.dist-info` that wheels have. */
export function buildImages(folder: string, specs: readonly ImageSpec[]): Promise<Image[]> {
  return Promise.all(
    specs.map((spec, index) => {
      const { name = 'sample', version = '1.0' } = spec;
      const own = { [`site/${name}-${version}.dist-info/METADATA`]: `Name: ${name}\n` };
      return sampleImage(folder, { serial: index + 1, ...spec, files: { ...own, ...spec.files } });
    }),
  );
}

/** Every path of a view with its entry, in listing order. */
export function* walkView(
  view: View,
  entry: ViewEntry = view.root,
  path = '',
): Generator<[string, ViewEntry]> {
  for (const [name, child] of listEntries(view, entry) ?? []) {
    const below = path === '' ? name : `${path}/${name}`;
    yield [below, child];
    if (isDirectory(child)) yield* walkView(view, child, below);
  }
}

/** Inode number of each path of a view. */
export function inodesOf(view: View): Map<string, bigint> {
  return new Map([...walkView(view)].map(([path, entry]) => [path, attributesOf(view, entry).inode]));
}

/** What the entry at a path is: its kind, and for what an image brings the image's name. */
export function sourceOf(view: View, path: string): string | undefined {
  const entry = locate(view, path);
  if (entry?.kind !== 'file' && entry?.kind !== 'graft') return entry?.kind;
  return `${entry.kind} of ${view.layers[entry.layer]!.image.meta.name}`;
}
