import { close, open, read } from 'node:fs';
import { promisify } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { Image, NodeIndex } from '../image/read.js';

const openFile = promisify(open);
const closeFile = promisify(close);
const readFile = promisify(read);

/** One open image file; closed when nobody reads it and the cache has let it go. */
interface Descriptor {
  fd: Promise<number>;
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
    const { path, offset, sizeBytes } = image.contentPlace(node);
    const wanted = Math.max(0, Math.min(length, sizeBytes - position));
    const buffer = Buffer.allocUnsafe(wanted);
    if (wanted > 0) await this.#readInto(path, buffer, offset + position);
    return buffer;
  }

  async readAll(image: Image, node: NodeIndex): Promise<Buffer> {
    return this.read(image, node, 0, image.fileOf(node).sizeBytes);
  }

  /** The file at `path` was replaced: it is opened anew. */
  forget(path: string): void {
    this.#descriptors.delete(path);
  }

  close(): void {
    this.#descriptors.clear();
  }

  async #readInto(path: string, buffer: Buffer, position: number): Promise<void> {
    const descriptor = this.#descriptors.get(path) ?? this.#open(path);
    descriptor.readers += 1;
    try {
      const fd = await descriptor.fd;
      for (let done = 0; done < buffer.length; ) {
        const { bytesRead } = await readFile(fd, buffer, done, buffer.length - done, position + done);
        if (bytesRead === 0) throw new Error(`${path} ends before byte ${position + buffer.length}`);
        done += bytesRead;
      }
    } finally {
      descriptor.readers -= 1;
      void this.#closeUnused(descriptor);
    }
  }

  #open(path: string): Descriptor {
    const descriptor: Descriptor = { fd: openFile(path, 'r'), readers: 0, evicted: false };
    descriptor.fd.catch(() => this.#descriptors.delete(path));
    this.#descriptors.set(path, descriptor);
    return descriptor;
  }

  async #closeUnused(descriptor: Descriptor): Promise<void> {
    if (!descriptor.evicted || descriptor.readers > 0) return;
    descriptor.readers = Number.POSITIVE_INFINITY;
    const fd = await descriptor.fd.catch(() => undefined);
    if (fd !== undefined) await closeFile(fd);
  }
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
