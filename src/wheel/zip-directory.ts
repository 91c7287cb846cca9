import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import yauzl from 'yauzl';
import { ShenvError } from '../base/errors.js';
import { checkEntry, isDense } from './archive-rules.js';
import type { WheelLimits } from './limits.js';
import { NameClashes } from './name-clashes.js';
import { refuseOverLimit, refuseWheel } from './refusal.js';
import { findZipDirectory, type ReadAt } from './zip-end.js';
import { checkZipLayout } from './zip-layout.js';
import { checkZipRecords } from './zip-records.js';

/** A member of a zip archive, as its directory has it, with where its data begin. */
export interface ZipMember extends yauzl.Entry {
  dataAt: number;
}

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

/**
 * The files of a zip archive by name, in the order of its directory, everything about the archive
 * and its members checked but their contents. The caller keeps `file` open. Throws WHEEL_ARCHIVE or
 * WHEEL_ENTRY, naming file and rule.
 */
export async function readMembers(
  path: string,
  file: FileHandle,
  limits: WheelLimits,
): Promise<Map<string, ZipMember>> {
  const { size } = await file.stat();
  const readAt: ReadAt = (position, length) => {
    const buffer = Buffer.allocUnsafe(length);
    return buffer.subarray(0, readSync(file.fd, buffer, 0, length, position));
  };
  const place = findZipDirectory(path, size, readAt);
  checkDirectorySize(path, place, limits);
  checkZipRecords(path, readAt(place.offset, place.sizeBytes), place.entries);
  const entries = await readEntries(path, file.fd, size);
  const names = checkEntries(path, entries, size, limits);
  const starts = checkZipLayout(path, entries, place.offset, readAt);
  const members = new Map<string, ZipMember>();
  for (const [name, entry] of names) members.set(name, Object.assign(entry, { dataAt: starts.get(entry)! }));
  return members;
}

function checkDirectorySize(
  path: string,
  { entries, sizeBytes }: { entries: number; sizeBytes: number },
  limits: WheelLimits,
): void {
  if (entries > limits.entries) {
    const rule = `${path} has more than ${limits.entries} members, which the limits forbid`;
    throw refuseOverLimit('WHEEL_ARCHIVE', rule, path, { name: 'entries', limits });
  }
  if (sizeBytes > limits.directoryBytes) {
    const rule = `${path} has a directory larger than the limits allow`;
    throw refuseOverLimit('WHEEL_ARCHIVE', rule, path, { name: 'directoryBytes', limits });
  }
}

/** The files by name. */
function checkEntries(
  path: string,
  entries: readonly yauzl.Entry[],
  archiveBytes: number,
  limits: WheelLimits,
): Map<string, yauzl.Entry> {
  const members = new Map<string, yauzl.Entry>();
  const seen = { members, folders: new Set<string>(), names: new NameClashes(), caseClashes: 0, limits };
  let totalBytes = 0;
  for (const entry of entries) {
    const name = checkEntry(path, entry, seen);
    totalBytes += entry.uncompressedSize;
    if (totalBytes > limits.totalBytes) {
      const rule = `${path} unpacks to more than the limits allow`;
      throw refuseOverLimit('WHEEL_ARCHIVE', rule, path, { name: 'totalBytes', limits });
    }
    if (name !== undefined) members.set(name, entry);
  }
  if (isDense(totalBytes, archiveBytes, limits)) {
    const rule = `${path} unpacks to more than ${limits.density} times its size`;
    throw refuseOverLimit('WHEEL_ARCHIVE', rule, path, { name: 'density', limits });
  }
  return members;
}

async function readEntries(path: string, fd: number, sizeBytes: number): Promise<yauzl.Entry[]> {
  const entries: yauzl.Entry[] = [];
  try {
    const zip = await yauzl.fromRandomAccessReaderPromise(new BlockReader(fd), sizeBytes, {
      lazyEntries: true,
      decodeStrings: false,
      validateEntrySizes: false,
      autoClose: false,
    });
    for (let entry = await nextEntry(zip); entry; entry = await nextEntry(zip)) entries.push(entry);
  } catch (cause) {
    if (cause instanceof ShenvError) throw cause;
    throw refuseWheel(
      'WHEEL_ARCHIVE',
      `${path} is not a readable zip archive: ${(cause as Error).message}`,
      path,
      { hint: 'The file is damaged or incomplete; fetch it again.', cause },
    );
  }
  return entries;
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
