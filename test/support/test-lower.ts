import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { ContentMissing, type Lower } from '../../src/upper/lower.js';
import { compose } from '../../src/view/compose.js';
import { render } from '../../src/view/render.js';
import type { GeneratedEntry, ImageEntry, View, ViewEntry, ViewLayer } from '../../src/view/tree.js';
import type { ImageSpec } from './image-builder.js';
import { buildImages, fakeInterpreter, layerOf, walkView } from './views.js';

/** A lower tree in memory; generated contents are made when they were missed once. */
export class TestLower implements Lower {
  readonly view: View;
  readonly #contents: ReadonlyMap<ViewEntry, Buffer>;
  readonly #made = new Set<GeneratedEntry>();

  private constructor(view: View, contents: ReadonlyMap<ViewEntry, Buffer>) {
    this.view = view;
    this.#contents = contents;
  }

  static async of(layers: readonly ViewLayer[], environmentSerial = 3): Promise<TestLower> {
    const view = compose({
      environmentSerial,
      interpreter: fakeInterpreter(),
      layers,
      systemSitePackages: false,
      mtimeNs: 1_700_000_000_000_000_000n,
      isOwn: true,
    });
    const contents = new Map<ViewEntry, Buffer>();
    const context = {
      path: '/env',
      name: 'env',
      systemSitePackages: false,
      readContents: async () => Buffer.from('Name: x\n'),
    };
    for (const [, entry] of walkView(view)) {
      if (entry.kind === 'generated') {
        const isRecord = entry.content.type === 'record';
        contents.set(entry, isRecord ? Buffer.from('RECORD') : await render(view, entry.content, context));
      }
    }
    return new TestLower(view, contents);
  }

  static async ofSpecs(
    folder: string,
    specs: readonly ImageSpec[],
    environmentSerial = 3,
  ): Promise<TestLower> {
    const images = await buildImages(folder, specs);
    return TestLower.of(
      images.map((image, index) => layerOf(image, index + 1)),
      environmentSerial,
    );
  }

  contentOf(entry: ImageEntry | GeneratedEntry): Buffer {
    if (entry.kind === 'generated') return this.#contents.get(entry)!;
    const { holder, offset, sizeBytes } = this.view.layers[entry.layer]!.image.contentPlace(entry.node);
    const content = Buffer.alloc(sizeBytes);
    const fd = openSync(holder.path, 'r');
    readSync(fd, content, 0, sizeBytes, offset);
    closeSync(fd);
    return content;
  }

  make(entry: GeneratedEntry): void {
    this.#made.add(entry);
  }

  copyContent(entry: ImageEntry | GeneratedEntry, fd: number): void {
    if (entry.kind === 'generated' && !this.#made.has(entry)) throw new ContentMissing(entry);
    writeSync(fd, this.contentOf(entry));
  }

  sizeOf(entry: GeneratedEntry): number | undefined {
    return this.#made.has(entry) ? this.contentOf(entry).length : undefined;
  }
}
