import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { crc32, createInflateRaw, type InflateRaw, inflateRawSync } from 'node:zlib';
import type { RelativePath } from '../base/brands.js';
import { ShenvError } from '../base/errors.js';
import { currentLimits, type WheelLimits } from './limits.js';
import { refuseOverLimit, refuseWheel } from './refusal.js';
import { readMembers, type ZipMember } from './zip-directory.js';

/** A regular file of the archive. */
export interface ArchiveEntry {
  path: RelativePath;
  sizeBytes: number;
  /** A regular file's mode with an x bit set, as pip reads the external attributes. */
  executable: boolean;
  /** The DOS time read as UTC, so that it does not depend on the machine's zone. */
  mtimeNs: bigint;
}

/** Members up to this size are inflated in one call; larger ones are streamed. */
export const wholeReadBytes = 4 << 20;
const blockBytes = 1 << 20;

/**
 * A wheel file open for reading. yauzl reads the central directory; a small member is read and
 * inflated in place, because a trip through the thread pool costs more than inflating it (127 wheels
 * with 27,000 files: 26 s with it, 6 s without). The caller closes it.
 */
export class WheelArchive {
  readonly path: string;
  readonly limits: WheelLimits;
  readonly entries: readonly ArchiveEntry[];
  readonly #file: FileHandle;
  readonly #members: ReadonlyMap<string, ZipMember>;

  private constructor(
    path: string,
    limits: WheelLimits,
    file: FileHandle,
    members: ReadonlyMap<string, ZipMember>,
  ) {
    this.path = path;
    this.limits = limits;
    this.#file = file;
    this.#members = members;
    this.entries = [...members].map(([name, member]) => toEntry(name, member));
  }

  /**
   * Throws WHEEL_ARCHIVE for an unreadable zip or one that readers could understand in two ways,
   * WHEEL_ENTRY for a member that breaks a rule, USAGE for limits that cannot be read.
   */
  static async open(path: string, limits: WheelLimits = currentLimits()): Promise<WheelArchive> {
    const file = await open(path, 'r');
    try {
      return new WheelArchive(path, limits, file, await readMembers(path, file, limits));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** A whole member, its size and CRC verified. */
  async read(path: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.stream(path)) chunks.push(chunk);
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }

  /**
   * A member that is text. Throws WHEEL_METADATA for one that is not UTF-8, and that or WHEEL_RECORD for
   * one longer than the limit.
   */
  async readText(path: string, limit: 'metadataBytes' | 'recordBytes' = 'metadataBytes'): Promise<string> {
    if ((this.#members.get(path)?.uncompressedSize ?? 0) > this.limits[limit]) {
      const rule = `${this.path}: ${path} is larger than ${this.limits[limit]} bytes`;
      const code = limit === 'recordBytes' ? 'WHEEL_RECORD' : 'WHEEL_METADATA';
      throw refuseOverLimit(code, rule, path, { name: limit, limits: this.limits });
    }
    const data = await this.read(path);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
    } catch (cause) {
      throw refuseWheel('WHEEL_METADATA', `${this.path}: ${path} is not UTF-8`, path, { cause });
    }
  }

  /** A member's bytes in order; throws WHEEL_ARCHIVE at the end when size or CRC are not as declared. */
  async *stream(path: string): AsyncGenerator<Buffer> {
    const member = this.#members.get(path);
    if (!member) throw new Error(`no member ${path} in ${this.path}`);
    let size = 0;
    let crc = 0;
    try {
      for await (const chunk of this.#inflated(path, member)) {
        size += chunk.length;
        if (size > member.uncompressedSize) break;
        crc = crc32(chunk, crc);
        yield chunk;
      }
    } catch (cause) {
      if (cause instanceof ShenvError) throw cause;
      throw this.#damaged(path, 'its compressed data are damaged', { cause });
    }
    if (size !== member.uncompressedSize) {
      throw this.#damaged(path, 'its size is not what the directory says', {
        expected: `${member.uncompressedSize} bytes`,
        found: `${size} bytes or more`,
      });
    }
    if (crc !== member.crc32) {
      throw this.#damaged(path, 'its CRC-32 does not match', {
        expected: member.crc32.toString(16),
        found: crc.toString(16),
      });
    }
  }

  async *#inflated(path: string, member: ZipMember): AsyncGenerator<Buffer> {
    const { dataAt: start, compressedSize, uncompressedSize } = member;
    const isStored = member.compressionMethod === 0;
    if (uncompressedSize <= wholeReadBytes && compressedSize <= wholeReadBytes) {
      const packed = this.#pread(start, compressedSize);
      if (packed.length !== compressedSize) throw this.#damaged(path, 'its data end with the file', {});
      const { data, usedBytes } = isStored
        ? { data: packed, usedBytes: compressedSize }
        : inflateWhole(packed, uncompressedSize + 1);
      yield data;
      if (data.length <= uncompressedSize) this.#checkUsed(path, usedBytes, compressedSize);
      return;
    }
    if (compressedSize === 0) return;
    if (isStored) {
      yield* this.#raw(start, compressedSize);
      return;
    }
    const inflater = createInflateRaw({ chunkSize: blockBytes });
    yield* pipeThrough(Readable.from(this.#raw(start, compressedSize)), inflater);
    this.#checkUsed(path, inflater.bytesWritten, compressedSize);
  }

  async *#raw(start: number, length: number): AsyncGenerator<Buffer> {
    for (let done = 0; done < length; ) {
      const buffer = Buffer.allocUnsafe(Math.min(blockBytes, length - done));
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, start + done);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      done += bytesRead;
    }
  }

  /** Bytes behind the end of a deflate stream are ones that nobody looks at. */
  #checkUsed(path: string, usedBytes: number, compressedSize: number): void {
    if (usedBytes === compressedSize) return;
    throw this.#damaged(path, 'bytes follow the end of its compressed data', {
      expected: `${compressedSize} bytes`,
      found: `${usedBytes} bytes`,
    });
  }

  #pread(position: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    return buffer.subarray(0, readSync(this.#file.fd, buffer, 0, length, position));
  }

  #damaged(member: string, rule: string, details: { cause?: unknown; expected?: string; found?: string }) {
    return refuseWheel('WHEEL_ARCHIVE', `${this.path}: ${member}: ${rule}`, member, {
      hint: 'The file is damaged or was tampered with; fetch it again.',
      ...details,
    });
  }
}

/** Inflates in one call, up to `mostBytes`; more of them is an error of zlib's. */
function inflateWhole(packed: Buffer, mostBytes: number): { data: Buffer; usedBytes: number } {
  const { buffer, engine } = inflateRawSync(packed, {
    maxOutputLength: mostBytes,
    info: true,
  }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
  return { data: buffer, usedBytes: engine.bytesWritten };
}

async function* pipeThrough(raw: Readable, inflater: InflateRaw): AsyncGenerator<Buffer> {
  raw.on('error', (error) => inflater.destroy(error));
  raw.pipe(inflater);
  try {
    yield* inflater as AsyncIterable<Buffer>;
  } finally {
    raw.destroy();
  }
}

function toEntry(name: string, member: ZipMember): ArchiveEntry {
  const mode = member.externalFileAttributes >>> 16;
  return {
    path: name as RelativePath,
    sizeBytes: member.uncompressedSize,
    executable: (mode & 0o170000) === 0o100000 && (mode & 0o111) !== 0,
    mtimeNs: dosTimeNs(member.lastModFileDate, member.lastModFileTime),
  };
}

function dosTimeNs(date: number, time: number): bigint {
  const ms = Date.UTC(
    1980 + (date >> 9),
    ((date >> 5) & 15) - 1,
    date & 31,
    time >> 11,
    (time >> 5) & 63,
    (time & 31) * 2,
  );
  return BigInt(ms) * 1_000_000n;
}
