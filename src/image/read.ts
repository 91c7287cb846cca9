import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Digest, type Serial, toDigest, toSerial } from '../base/brands.js';
import { checkHeader, checkNodes, checkSectionDigest, type ImageHeader } from './check.js';
import {
  digestBytes,
  headerBytes,
  header as headerFields,
  imageKinds,
  modes,
  nodeFlags,
  nodeRecord,
  type SectionName,
} from './format.js';
import { decodeMeta, type ImageMeta } from './meta.js';

/** Index of a node in its image; 0 is the root. */
export type NodeIndex = number;

export interface FileNode {
  sizeBytes: number;
  contentOffset: number;
  flags: number;
  digestIndex: number;
  baseNode: NodeIndex;
}

const firstReadBytes = 65_536;
/** Holds all that an outline needs of three images in four. */
const outlineFirstBytes = 16_384;
/** Filled and used without yielding in between; `outline` copies what it keeps. */
const scratch = Buffer.allocUnsafeSlow(outlineFirstBytes);

/**
 * The metadata of one image in memory, checked; contents are read from the file at `path` by whoever
 * serves them (a store file is never memory-mapped: a truncated one would kill the process).
 */
export class Image {
  readonly path: string;
  readonly header: ImageHeader;
  readonly meta: ImageMeta;
  /** Of an image of bytecode: the wheel's image, which holds the contents of the other files. */
  readonly base: Image | undefined;
  readonly #nodes: Buffer;
  readonly #names: Buffer;

  private constructor(
    path: string,
    header: ImageHeader,
    nodes: Buffer,
    names: Buffer,
    meta: ImageMeta,
    base?: Image,
  ) {
    this.path = path;
    this.header = header;
    this.#nodes = nodes;
    this.#names = names;
    this.meta = meta;
    this.base = base;
  }

  /** Throws IMAGE_DAMAGED or IMAGE_VERSION; a system error (ENOENT, EIO, …) passes through. */
  static async open(path: string, base?: Image): Promise<Image> {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const read = async (position: number, length: number) => {
        const buffer = Buffer.allocUnsafe(length);
        let done = 0;
        while (done < length) {
          const { bytesRead } = await file.read(buffer, done, length - done, position + done);
          if (bytesRead === 0) break;
          done += bytesRead;
        }
        return buffer.subarray(0, done);
      };
      const first = await read(0, Math.min(firstReadBytes, size));
      const header = checkHeader(first, size, path);
      const metaEnd = header.sections.meta.offset + header.sections.meta.length;
      const rest =
        metaEnd > first.length ? await read(first.length, metaEnd - first.length) : Buffer.alloc(0);
      const metadata = Buffer.concat([first.subarray(0, Math.min(metaEnd, first.length)), rest]);
      return Image.#parse(path, header, metadata, base);
    } finally {
      await file.close();
    }
  }

  /** For an image that is in memory as a whole or up to the end of its meta section. */
  static parse(data: Buffer, path: string, base?: Image): Image {
    return Image.#parse(path, checkHeader(data, data.length, path), data, base);
  }

  /**
   * For a command that composes once and ends: read without yielding, sections compared with their
   * digests, but nodes not checked one by one (that is 90 of 120 ms for 127 distributions), and an
   * image of bytecode without its base. Whoever serves an image uses `open`. Throws as `open` does.
   */
  static outline(path: string): Image {
    const fd = openSync(path, 'r');
    try {
      const first = readAt(fd, 0, outlineFirstBytes, scratch);
      const header = checkHeader(first, fstatSync(fd).size, path);
      const { offset, length } = header.sections.meta;
      const data = Buffer.allocUnsafe(offset + length);
      first.copy(data);
      if (data.length > first.length)
        readAt(fd, first.length, data.length - first.length, data.subarray(first.length));
      const { nodes, names, meta } = Image.#sections(path, header, data);
      return new Image(path, header, nodes, names, meta);
    } finally {
      closeSync(fd);
    }
  }

  /**
   * For who looks for damage: everything that `open` checks, an image of bytecode without its base. `metadata` is the
   * file up to its contents. Throws as `open` does.
   */
  static examine(metadata: Buffer, fileBytes: number, path: string): Image {
    const header = checkHeader(metadata, fileBytes, path);
    const { nodes, names, meta } = Image.#sections(path, header, metadata);
    checkNodes(nodes, names, header, path);
    return new Image(path, header, nodes, names, meta);
  }

  static #sections(path: string, header: ImageHeader, data: Buffer) {
    const section = (name: SectionName) => {
      const { offset, length } = header.sections[name];
      const part = data.subarray(offset, offset + length);
      checkSectionDigest(part, header.sections[name], name, path);
      return part;
    };
    return {
      nodes: section('nodes'),
      names: section('names'),
      meta: decodeMeta(section('meta'), path),
    };
  }

  static #parse(path: string, header: ImageHeader, data: Buffer, base?: Image): Image {
    const { nodes, names, meta } = Image.#sections(path, header, data);
    checkNodes(nodes, names, header, path);
    if ((header.kind === imageKinds.bytecode) !== (base !== undefined))
      throw new Error(`${path}: opened as the wrong kind`);
    return new Image(path, header, nodes, names, meta, base);
  }

  get serial(): Serial {
    return toSerial(this.header.serial);
  }

  get wheelDigest(): Digest {
    return toDigest(this.header.wheelDigest);
  }

  get nodeCount(): number {
    return this.header.nodeCount;
  }

  nameOf(node: NodeIndex): string {
    const at = node * nodeRecord.bytes;
    const offset = this.#nodes.readUInt32LE(at + nodeRecord.nameOffset);
    return this.#names.toString('utf8', offset, offset + this.#nodes.readUInt16LE(at + nodeRecord.nameBytes));
  }

  modeOf(node: NodeIndex): number {
    return this.#nodes.readUInt16LE(node * nodeRecord.bytes + nodeRecord.mode);
  }

  isDirectory(node: NodeIndex): boolean {
    return this.modeOf(node) === modes.directory;
  }

  mtimeNsOf(node: NodeIndex): bigint {
    return this.#nodes.readBigInt64LE(node * nodeRecord.bytes + nodeRecord.mtimeNs);
  }

  parentOf(node: NodeIndex): NodeIndex {
    return this.#nodes.readUInt32LE(node * nodeRecord.bytes + nodeRecord.parent);
  }

  /** The children of a directory, in name order. */
  childrenOf(node: NodeIndex): { first: NodeIndex; count: number } {
    const at = node * nodeRecord.bytes;
    return {
      first: this.#nodes.readUInt32LE(at + nodeRecord.firstChild),
      count: this.#nodes.readUInt32LE(at + nodeRecord.childCount),
    };
  }

  fileOf(node: NodeIndex): FileNode {
    const at = node * nodeRecord.bytes;
    return {
      sizeBytes: Number(this.#nodes.readBigUInt64LE(at + nodeRecord.sizeBytes)),
      contentOffset: Number(this.#nodes.readBigUInt64LE(at + nodeRecord.contentOffset)),
      flags: this.#nodes.readUInt32LE(at + nodeRecord.flags),
      digestIndex: this.#nodes.readUInt32LE(at + nodeRecord.digestIndex),
      baseNode: this.#nodes.readUInt32LE(at + nodeRecord.baseNode),
    };
  }

  /** Where the bytes of a file are: in this image's file, or in its base's. */
  contentPlace(node: NodeIndex): { path: string; offset: number; sizeBytes: number } {
    const { sizeBytes, contentOffset, flags } = this.fileOf(node);
    const holder = (flags & nodeFlags.inBase) !== 0 ? this.base! : this;
    return { path: holder.path, offset: contentOffset, sizeBytes };
  }

  /** The image and node that a file's inode number is made of: the base's where its contents are. */
  identityOf(node: NodeIndex): { serial: Serial; node: NodeIndex } {
    const { flags, baseNode } = this.fileOf(node);
    return (flags & nodeFlags.inBase) !== 0
      ? { serial: this.base!.serial, node: baseNode }
      : { serial: this.serial, node };
  }

  /** Whether the view has to write this script's first line. */
  isPythonScript(node: NodeIndex): boolean {
    return (
      (this.#nodes.readUInt32LE(node * nodeRecord.bytes + nodeRecord.flags) & nodeFlags.pythonScript) !== 0
    );
  }

  /** The child of a directory by name, or undefined: a binary search of sorted names. */
  lookup(directory: NodeIndex, name: string): NodeIndex | undefined {
    const wanted = Buffer.from(name);
    const { first, count } = this.childrenOf(directory);
    let low = first;
    let high = first + count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.#compareName(middle, wanted);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  /** The node at a slash-separated path below `from`, or undefined. */
  resolve(path: string, from: NodeIndex = 0): NodeIndex | undefined {
    let node: NodeIndex | undefined = from;
    for (const part of path.split('/')) {
      if (node === undefined || !this.isDirectory(node)) return undefined;
      node = this.lookup(node, part);
    }
    return node;
  }

  #compareName(node: NodeIndex, wanted: Buffer): number {
    const at = node * nodeRecord.bytes;
    const offset = this.#nodes.readUInt32LE(at + nodeRecord.nameOffset);
    const end = offset + this.#nodes.readUInt16LE(at + nodeRecord.nameBytes);
    return this.#names.compare(wanted, 0, wanted.length, offset, end);
  }
}

/** Reads up to `length` bytes into `buffer`; the part that was filled, shorter only at the end of the file. */
function readAt(fd: number, position: number, length: number, buffer: Buffer): Buffer {
  let done = 0;
  while (done < length) {
    const count = readSync(fd, buffer, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return buffer.subarray(0, done);
}

/** The digests section, checked: 32 bytes a regular file, in node order. */
export async function readDigests(image: Image): Promise<Buffer> {
  const place = image.header.sections.digests;
  const file = await open(image.path, 'r');
  try {
    const data = Buffer.alloc(place.length);
    await file.read(data, 0, place.length, place.offset);
    checkSectionDigest(data, place, 'digests', image.path);
    return data;
  } finally {
    await file.close();
  }
}

/** One file's SHA-256 out of `readDigests`. */
export function digestOf(digests: Buffer, index: number): Buffer {
  return digests.subarray(index * digestBytes, (index + 1) * digestBytes);
}

/** The wheel digest of the image file at `path`, from the header alone. */
export async function readWheelDigest(path: string): Promise<Digest> {
  const file = await open(path, 'r');
  try {
    const data = Buffer.alloc(headerBytes);
    await file.read(data, 0, headerBytes, 0);
    checkHeader(data, (await file.stat()).size, path);
    return toDigest(data.toString('hex', headerFields.wheelDigest, headerFields.wheelDigest + digestBytes));
  } finally {
    await file.close();
  }
}
