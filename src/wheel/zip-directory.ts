import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import yauzl from 'yauzl';

const blockBytes = 1 << 20;

/**
 * Serves yauzl from one block of the file at a time: it asks for each entry of the directory in two
 * small reads, and a trip through the thread pool for each costs three times what unpacking does.
 */
class BlockReader extends yauzl.RandomAccessReader {
  readonly #fd: number;
  #block = Buffer.alloc(0);
  #start = 0;

  constructor(fd: number) {
    super();
    this.#fd = fd;
  }

  override read(
    target: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    let failure: Error | null = null;
    try {
      if (position < this.#start || position + length > this.#start + this.#block.length)
        this.#load(position, length);
      const from = position - this.#start;
      if (from + length > this.#block.length) throw new Error('the file ends inside the zip directory');
      this.#block.copy(target, offset, from, from + length);
    } catch (error) {
      failure = error as Error;
    }
    process.nextTick(callback, failure);
  }

  #load(position: number, length: number): void {
    const buffer = Buffer.allocUnsafe(Math.max(length, blockBytes));
    this.#block = buffer.subarray(0, readSync(this.#fd, buffer, 0, buffer.length, position));
    this.#start = position;
  }
}

/** The entries of a zip file's central directory, in its order. The caller keeps `file` open. */
export async function* readZipDirectory(file: FileHandle): AsyncGenerator<yauzl.Entry> {
  const { size } = await file.stat();
  const zip = await yauzl.fromRandomAccessReaderPromise(new BlockReader(file.fd), size, {
    lazyEntries: true,
    decodeStrings: false,
    validateEntrySizes: false,
    autoClose: false,
  });
  for (;;) {
    const entry = await nextEntry(zip);
    if (!entry) return;
    yield entry;
  }
}

function nextEntry(zip: yauzl.ZipFile): Promise<yauzl.Entry | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (entry?: yauzl.Entry, error?: Error) => {
      zip.removeListener('entry', onEntry);
      zip.removeListener('end', onEnd);
      zip.removeListener('error', onError);
      if (error) reject(error);
      else resolve(entry);
    };
    const onEntry = (entry: yauzl.Entry) => settle(entry);
    const onEnd = () => settle();
    const onError = (error: Error) => settle(undefined, error);
    zip.on('entry', onEntry).on('end', onEnd).on('error', onError);
    zip.readEntry();
  });
}
