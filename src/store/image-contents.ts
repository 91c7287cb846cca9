import type { FileHandle } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { openTrusted } from '../base/trust.js';
import type { Image, NodeIndex } from '../image/read.js';
import { isAt } from '../image/stamp.js';

/** One open image file; closed when nobody reads it and the cache has let it go. */
interface Descriptor {
  file: Promise<FileHandle>;
  readers: number;
  evicted: boolean;
}

/** Reads contents of images with pread through a bounded set of descriptors. */
export class ImageContents {
  readonly #descriptors: LRUCache<string, Descriptor>;

  constructor(maxDescriptors = 256) {
    this.#descriptors = new LRUCache<string, Descriptor>({
      max: maxDescriptors,
      dispose: (descriptor) => {
        descriptor.evicted = true;
        void this.#closeUnused(descriptor);
      },
    });
  }

  /** Up to `length` bytes of a file of the image from `position` on; shorter only at its end. */
  async read(image: Image, node: NodeIndex, position: number, length: number): Promise<Buffer> {
    const { holder, offset, sizeBytes } = image.contentPlace(node);
    const wanted = Math.max(0, Math.min(length, sizeBytes - position));
    const buffer = Buffer.allocUnsafe(wanted);
    if (wanted > 0) await this.#readInto(holder, buffer, offset + position);
    return buffer;
  }

  async readAll(image: Image, node: NodeIndex): Promise<Buffer> {
    const input = await image.sealed?.readInput(node);
    return input ?? this.read(image, node, 0, image.fileOf(node).sizeBytes);
  }

  /** The file at `path` was replaced: it is opened anew. */
  forget(path: string): void {
    this.#descriptors.delete(path);
  }

  close(): void {
    this.#descriptors.clear();
  }

  async #readInto(image: Image, buffer: Buffer, position: number): Promise<void> {
    const descriptor = this.#descriptors.get(image.path) ?? this.#open(image);
    descriptor.readers += 1;
    try {
      const file = await descriptor.file;
      for (let done = 0; done < buffer.length; ) {
        const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done);
        if (bytesRead === 0) throw new Error(`${image.path} ends before byte ${position + buffer.length}`);
        done += bytesRead;
      }
    } finally {
      descriptor.readers -= 1;
      void this.#closeUnused(descriptor);
    }
  }

  #open(image: Image): Descriptor {
    const { path } = image;
    const descriptor: Descriptor = { file: openImage(image), readers: 0, evicted: false };
    descriptor.file.catch(() => this.#descriptors.delete(path));
    this.#descriptors.set(path, descriptor);
    return descriptor;
  }

  async #closeUnused(descriptor: Descriptor): Promise<void> {
    if (!descriptor.evicted || descriptor.readers > 0) return;
    descriptor.readers = Number.POSITIVE_INFINITY;
    const file = await descriptor.file.catch(() => undefined);
    await file?.close();
  }
}

/** Throws an error with the code ESTALE where the file is not what a sealed file tells of it. */
async function openImage({ path, trust, sealed }: Image): Promise<FileHandle> {
  const file = await openTrusted(path, trust);
  if (!sealed || isAt(await file.stat(), sealed.stamp)) return file;
  await file.close();
  throw Object.assign(new Error(`${path} is not what was sealed`), { code: 'ESTALE', path });
}

/** A whole file of an image, for those who read few. */
export async function readContent(image: Image, node: NodeIndex): Promise<Buffer> {
  const contents = new ImageContents(1);
  try {
    return await contents.readAll(image, node);
  } finally {
    contents.close();
  }
}
