import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Digest, Serial } from '../base/brands.js';
import {
  align,
  contentsAlignment,
  digestBytes,
  formatVersion,
  header,
  headerBytes,
  type ImageKind,
  magic,
  nodeRecord,
  type SectionName,
  sectionAlignment,
  sectionId,
  sectionRecord,
  sections,
} from './format.js';
import { encodeMeta, type ImageMeta } from './meta.js';
import { type ImageFile, type PlacedFile, type PlacedNode, placeContents, placeNodes } from './tree.js';

export interface ImageSource {
  kind: ImageKind;
  /** Asked for when everything else has been written, so that a refused source costs no number. */
  claimSerial(): Promise<Serial>;
  meta: ImageMeta;
  files: readonly ImageFile[];
  /** The bytes of a file; exactly `sizeBytes` of them. Not asked for files in the base image. */
  content(file: ImageFile): AsyncIterable<Uint8Array>;
  /** SHA-256 of a file of the base image. */
  baseDigest?(file: ImageFile): Uint8Array;
  /** Called with the bytes written since the last call. */
  onBytes?(bytes: number): void;
}

const flushBytes = 4 << 20;

/** Writes a whole image to an empty file; the header comes last, so a torn file is never an image. */
export async function writeImage(file: FileHandle, source: ImageSource): Promise<void> {
  const nodes = placeNodes(source.files);
  const meta = encodeMeta(source.meta);
  const names = packNames(nodes);
  const digests = Buffer.alloc(nodes.filter(({ file }) => file).length * digestBytes);
  const lengths = {
    nodes: nodes.length * nodeRecord.bytes,
    names: names.data.length,
    meta: meta.length,
    digests: digests.length,
  };
  const offsets = placeSections(lengths);
  const placed = placeContents(nodes, offsets.contents);
  await writeContents(file, placed.files, source, digests);
  if (source.baseDigest) {
    for (const { file: entry } of nodes) {
      if (entry?.source.base) digests.set(source.baseDigest(entry.source), entry.digestIndex * digestBytes);
    }
  }
  const parts: Record<Exclude<SectionName, 'contents'>, Buffer> = {
    nodes: packNodes(nodes, names.offsets),
    names: names.data,
    meta,
    digests,
  };
  const metadata = Buffer.alloc(offsets.contents);
  for (const [name, data] of Object.entries(parts)) data.copy(metadata, offsets[name as keyof typeof parts]);
  packHeader(metadata, source, await source.claimSerial(), nodes.length, placed.end, offsets, parts);
  await file.truncate(placed.end);
  await writeFully(file, metadata, 0);
}

/** Where each section starts, in bytes. */
type SectionOffsets = Record<SectionName, number>;

function placeSections(lengths: Record<Exclude<SectionName, 'contents'>, number>): SectionOffsets {
  const offsets = {} as SectionOffsets;
  let at = headerBytes;
  for (const name of sections) {
    at = align(at, name === 'contents' ? contentsAlignment : sectionAlignment);
    offsets[name] = at;
    if (name !== 'contents') at += lengths[name];
  }
  return offsets;
}

function packNames(nodes: readonly PlacedNode[]): { data: Buffer; offsets: Map<string, number> } {
  const offsets = new Map<string, number>();
  const pieces: Buffer[] = [];
  let length = 0;
  for (const { name } of nodes) {
    const key = name.toString('latin1');
    if (offsets.has(key)) continue;
    offsets.set(key, length);
    pieces.push(name);
    length += name.length;
  }
  return { data: Buffer.concat(pieces), offsets };
}

function packNodes(nodes: readonly PlacedNode[], nameOffsets: ReadonlyMap<string, number>): Buffer {
  const data = Buffer.alloc(nodes.length * nodeRecord.bytes);
  for (const node of nodes) {
    const record = data.subarray(node.index * nodeRecord.bytes, (node.index + 1) * nodeRecord.bytes);
    record.writeUInt32LE(nameOffsets.get(node.name.toString('latin1'))!, nodeRecord.nameOffset);
    record.writeUInt16LE(node.name.length, nodeRecord.nameBytes);
    record.writeUInt16LE(node.mode, nodeRecord.mode);
    record.writeUInt32LE(node.parent, nodeRecord.parent);
    record.writeUInt32LE(node.firstChild, nodeRecord.firstChild);
    record.writeUInt32LE(node.childCount, nodeRecord.childCount);
    record.writeBigInt64LE(node.mtimeNs, nodeRecord.mtimeNs);
    if (node.file) packFile(record, node.file);
  }
  return data;
}

function packFile(record: Buffer, { source, contentOffset, digestIndex }: PlacedFile): void {
  record.writeUInt32LE(source.flags, nodeRecord.flags);
  record.writeBigUInt64LE(BigInt(source.sizeBytes), nodeRecord.sizeBytes);
  record.writeBigUInt64LE(BigInt(contentOffset), nodeRecord.contentOffset);
  record.writeBigUInt64LE(BigInt(source.sizeBytes), nodeRecord.storedBytes);
  record.writeUInt32LE(digestIndex, nodeRecord.digestIndex);
  record.writeUInt32LE(source.base?.node ?? 0, nodeRecord.baseNode);
}

function packHeader(
  target: Buffer,
  source: ImageSource,
  serial: Serial,
  nodeCount: number,
  fileBytes: number,
  offsets: SectionOffsets,
  parts: Record<Exclude<SectionName, 'contents'>, Buffer>,
): void {
  magic.copy(target, header.magic);
  target.writeUInt32LE(formatVersion, header.version);
  target.writeUInt32LE(headerBytes, header.headerBytes);
  target.writeUInt32LE(source.kind, header.kind);
  target.writeBigUInt64LE(BigInt(serial), header.serial);
  target.writeBigUInt64LE(BigInt(fileBytes), header.fileBytes);
  target.writeUInt32LE(nodeCount, header.nodeCount);
  target.writeUInt32LE(sections.length, header.sectionCount);
  target.write(source.meta.wheelDigest satisfies Digest, header.wheelDigest, 'hex');
  sections.forEach((name, index) => {
    const record = target.subarray(header.sectionTable + index * sectionRecord.bytes);
    const length = name === 'contents' ? fileBytes - offsets.contents : parts[name].length;
    record.writeUInt32LE(sectionId[name], sectionRecord.id);
    record.writeBigUInt64LE(BigInt(offsets[name]), sectionRecord.offset);
    record.writeBigUInt64LE(BigInt(length), sectionRecord.length);
    if (name !== 'contents') sha256Bytes(parts[name]).copy(record, sectionRecord.digest);
  });
  const signed = headerBytes - digestBytes;
  sha256Bytes(target.subarray(0, signed)).copy(target, signed);
}

function sha256Bytes(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

async function writeContents(
  file: FileHandle,
  files: readonly PlacedFile[],
  source: ImageSource,
  digests: Buffer,
): Promise<void> {
  const writer = new RunWriter(file);
  for (const placed of files) {
    const hash = createHash('sha256');
    let size = 0;
    writer.moveTo(placed.contentOffset);
    for await (const chunk of source.content(placed.source)) {
      hash.update(chunk);
      size += chunk.length;
      await writer.write(chunk);
      source.onBytes?.(chunk.length);
    }
    if (size !== placed.source.sizeBytes) {
      throw new Error(`${placed.source.path}: ${size} bytes came, ${placed.source.sizeBytes} were planned`);
    }
    digests.set(hash.digest(), placed.digestIndex * digestBytes);
  }
  await writer.flush();
}

/** Joins small writes at rising offsets into few large ones; gaps are zeros. */
class RunWriter {
  readonly #file: FileHandle;
  #pending: Uint8Array[] = [];
  #start = 0;
  #length = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  moveTo(offset: number): void {
    if (offset === 0) return;
    const gap = offset - (this.#start + this.#length);
    if (this.#length === 0) this.#start = offset;
    else if (gap > 0) this.#append(Buffer.alloc(gap));
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#append(chunk);
    if (this.#length >= flushBytes) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#length > 0) await writeFully(this.#file, Buffer.concat(this.#pending), this.#start);
    this.#start += this.#length;
    this.#pending = [];
    this.#length = 0;
  }

  #append(chunk: Uint8Array): void {
    this.#pending.push(chunk);
    this.#length += chunk.length;
  }
}

/** write(2) may take a part only. */
export async function writeFully(file: FileHandle, data: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < data.length) {
    const { bytesWritten } = await file.write(data, done, data.length - done, position + done);
    done += bytesWritten;
  }
}
