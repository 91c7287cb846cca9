import { close, constants, open, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { systemErrorCode } from '../../base/errors.js';

const openFile = promisify(open);
/** Whoever's the file is: no link is followed, no FIFO waited for. */
const plainFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const closeFile = promisify(close);

/** Each read takes so many bytes; two such buffers a run, so that one is read while the other is hashed. */
export const pieceBytes = 2 << 20;
/** Offsets, lengths and addresses of direct reads are multiples of this on every file system. */
export const directAlignment = 4096;
/** Large blocks of V8 start so many bytes after a page, where malloc keeps their length. */
const usualHeaderBytes = 16;

/** An open image file with buffers that it can be read into. */
export interface RunFile {
  fd: number;
  buffers: readonly [Buffer, Buffer];
}

/**
 * Buffers for one run at a time. Files are read past the page cache (O_DIRECT) where that is possible: what is compared
 * is what the disk has, no other program's pages are pushed out of memory, and copying costs no time that hashing needs
 * (bench/trials/verify.ts).
 */
export class RunBuffers {
  readonly #memory = [0, 1].map(() => Buffer.allocUnsafeSlow(pieceBytes + directAlignment));
  #aligned: readonly [Buffer, Buffer] | undefined;

  /** Opens `path` for `work`, which gives undefined where it could not read; then it is called for plain reading. */
  async with<T>(path: string, work: (file: RunFile) => Promise<T | undefined>): Promise<T | undefined> {
    const direct = await openFile(path, plainFlags | constants.O_DIRECT).catch(refusedDirect);
    if (direct !== undefined) {
      const found = await this.#closing(direct, async (fd) => {
        this.#aligned ??= this.#align(fd);
        return this.#aligned && work({ fd, buffers: this.#aligned });
      });
      if (found !== undefined) return found;
    }
    const [a, b] = this.#memory.map((memory) => memory.subarray(0, pieceBytes)) as [Buffer, Buffer];
    return this.#closing(await openFile(path, plainFlags), (fd) => work({ fd, buffers: [a, b] }));
  }

  async #closing<T>(fd: number, work: (fd: number) => Promise<T>): Promise<T> {
    try {
      return await work(fd);
    } finally {
      await closeFile(fd);
    }
  }

  /** Finds by trying where in each buffer an address begins that the disk takes. */
  #align(fd: number): readonly [Buffer, Buffer] | undefined {
    const usual = directAlignment - usualHeaderBytes;
    const offsets = [usual, ...Array.from({ length: usual / 16 }, (_, index) => index * 16)];
    const [a, b] = this.#memory.map((memory) => {
      const start = offsets.find((offset) => canReadInto(fd, memory, offset));
      return start === undefined ? undefined : memory.subarray(start, start + pieceBytes);
    });
    return a && b && [a, b];
  }
}

function canReadInto(fd: number, memory: Buffer, offset: number): boolean {
  try {
    return readSync(fd, memory, offset, directAlignment, 0) > 0;
  } catch (error) {
    if (systemErrorCode(error) === 'EINVAL') return false;
    throw error;
  }
}

/** File systems without direct reads (tmpfs, FUSE) say EINVAL. */
function refusedDirect(error: unknown): undefined {
  if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(systemErrorCode(error) ?? '')) throw error;
}
