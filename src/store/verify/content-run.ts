import { createHash, type Hash, hash } from 'node:crypto';
import { read as readWithCallback } from 'node:fs';
import { promisify } from 'node:util';
import { systemErrorCode } from '../../base/errors.js';
import { align, digestBytes } from '../../image/format.js';
import { directAlignment, type RunFile } from './run-file.js';

const readAt = promisify(readWithCallback);

/** A stretch of an image's contents with the files that lie in it, in file order. Bytes between them are zeros. */
export interface ContentRun {
  path: string;
  start: number;
  end: number;
  offsets: Float64Array;
  sizes: Float64Array;
  /** Index of each file's node. */
  nodes: Uint32Array;
  /** SHA-256 of each file, one after another. */
  digests: Uint8Array;
}

/** What is wrong in a run. */
export interface RunFault {
  kind: 'content' | 'padding' | 'unreadable';
  /** Of the file that is not what its digest says; of what cannot be read undefined. */
  node: number | undefined;
  /** Where in the image's file. */
  offset: number;
  /** The system's code for what cannot be read; undefined where the file ends too early. */
  errorCode?: string | undefined;
}

const zeros = Buffer.alloc(8192);

/**
 * Compares every file of a run with its digest, and every gap with zeros. `onBytes` counts what was hashed. Undefined
 * where the file cannot be read in this way (EINVAL): see RunBuffers.
 */
export async function checkRun(
  { fd, buffers }: RunFile,
  run: ContentRun,
  onBytes: (bytes: number) => void,
): Promise<RunFault[] | undefined> {
  const check = new RunCheck(run);
  const end = align(run.end, directAlignment);
  let position = run.start - (run.start % directAlignment);
  let reading = readPiece(fd, buffers[0], position, end);
  for (let turn = 1; position < run.end; turn ^= 1) {
    const piece = await reading;
    if (!Buffer.isBuffer(piece)) {
      if (piece.errorCode === 'EINVAL') return undefined;
      check.faults.push({
        kind: 'unreadable',
        node: undefined,
        offset: position,
        errorCode: piece.errorCode,
      });
      break;
    }
    const next = position + piece.length;
    reading = readPiece(fd, buffers[turn]!, next, end);
    check.take(piece.subarray(0, run.end - position), position);
    onBytes(Math.min(next, run.end) - Math.max(position, run.start));
    position = next;
  }
  await reading;
  return check.faults;
}

/** Rejects never: of what cannot be read the code is given, or undefined at the end of the file. */
async function readPiece(
  fd: number,
  buffer: Buffer,
  position: number,
  end: number,
): Promise<Buffer | { errorCode: string | undefined }> {
  const wanted = Math.min(buffer.length, end - position);
  if (wanted <= 0) return buffer.subarray(0, 0);
  try {
    const { bytesRead } = await readAt(fd, buffer, 0, wanted, position);
    return bytesRead === 0 ? { errorCode: undefined } : buffer.subarray(0, bytesRead);
  } catch (error) {
    return { errorCode: systemErrorCode(error) };
  }
}

/** Takes the bytes of a run piece by piece. */
class RunCheck {
  readonly faults: RunFault[] = [];
  readonly #run: ContentRun;
  #file = 0;
  /** Up to here everything was looked at. */
  #at: number;
  /** Of a file that began in an earlier piece. */
  #hash: Hash | undefined;

  constructor(run: ContentRun) {
    this.#run = run;
    this.#at = run.start;
  }

  take(piece: Buffer, position: number): void {
    const { offsets, sizes } = this.#run;
    const end = position + piece.length;
    while (this.#file < offsets.length && offsets[this.#file]! < end) {
      const start = offsets[this.#file]!;
      const fileEnd = start + sizes[this.#file]!;
      if (this.#at < start) this.#checkGap(piece.subarray(this.#at - position, start - position));
      const part = piece.subarray(Math.max(start, position) - position, Math.min(fileEnd, end) - position);
      this.#at = Math.min(fileEnd, end);
      if (fileEnd > end) {
        this.#hash ??= createHash('sha256');
        this.#hash.update(part);
        return;
      }
      // One call costs less than three for small files: bench/trials/verify.ts.
      const digest = this.#hash ? this.#hash.update(part).digest() : hash('sha256', part, 'buffer');
      this.#hash = undefined;
      this.#compare(digest);
      this.#file += 1;
    }
    this.#checkGap(piece.subarray(this.#at - position));
    this.#at = end;
  }

  #compare(digest: Buffer): void {
    const { digests, nodes, offsets } = this.#run;
    const at = this.#file * digestBytes;
    if (digest.compare(digests, at, at + digestBytes) === 0) return;
    this.faults.push({ kind: 'content', node: nodes[this.#file], offset: offsets[this.#file]! });
  }

  #checkGap(gap: Buffer): void {
    if (isZero(gap) || this.faults.some(({ kind }) => kind === 'padding')) return;
    this.faults.push({ kind: 'padding', node: undefined, offset: this.#at });
  }
}

export function isZero(data: Buffer): boolean {
  for (let at = 0; at < data.length; at += zeros.length) {
    const part = data.subarray(at, at + zeros.length);
    if (part.compare(zeros, 0, part.length) !== 0) return false;
  }
  return true;
}
