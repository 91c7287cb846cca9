import { closeSync, writeSync } from 'node:fs';
import { openTrustedSync } from '../../base/trust.js';
import { ContentMissing, type Lower } from '../../upper/lower.js';
import { loadSystemCalls } from '../../upper/system-calls.js';
import { checkedBytecodeHeader, checkedHeaderAt } from '../../view/bytecode-header.js';
import type { GeneratedEntry, ImageEntry, View } from '../../view/tree.js';

/** Gives the bytes of a generated file. */
export type RenderFile = (view: View, entry: GeneratedEntry) => Promise<Buffer>;

/** The lower tree of one generation, whose files can be copied. Generated files are made before: `prepare`. */
export class LowerContents implements Lower {
  readonly view: View;
  readonly #render: RenderFile;
  readonly #made = new Map<GeneratedEntry, Buffer>();
  readonly #sizes = new WeakMap<GeneratedEntry, number>();

  constructor(view: View, render: RenderFile) {
    this.view = view;
    this.#render = render;
  }

  async prepare(entry: GeneratedEntry): Promise<void> {
    const bytes = await this.#render(this.view, entry);
    this.#made.set(entry, bytes);
    this.#sizes.set(entry, bytes.length);
  }

  sizeOf(entry: GeneratedEntry): number | undefined {
    return this.#sizes.get(entry);
  }

  copyContent(entry: ImageEntry | GeneratedEntry, fd: number): void {
    if (entry.kind === 'file') this.#copyFile(entry, fd);
    else this.#copyMade(entry, fd);
  }

  #copyMade(entry: GeneratedEntry, fd: number): void {
    const bytes = this.#made.get(entry);
    if (!bytes) throw new ContentMissing(entry);
    writeWhole(fd, bytes, 0);
    this.#made.delete(entry);
  }

  #copyFile({ layer, node }: ImageEntry, fd: number): void {
    const { holder, offset, sizeBytes } = this.view.layers[layer]!.image.contentPlace(node);
    const source = openTrustedSync(holder.path, holder.trust);
    try {
      loadSystemCalls().copyRange(source, offset, sizeBytes, fd);
    } finally {
      closeSync(source);
    }
    const header = checkedBytecodeHeader(this.view, layer, node);
    if (header) writeWhole(fd, header, checkedHeaderAt);
  }
}

function writeWhole(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}
