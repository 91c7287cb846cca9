import { closeSync, fstatSync, readSync } from 'node:fs';
import { type Digest, type Serial, toDigest, toSerial } from '../base/brands.js';
import { readFully } from '../base/read-fully.js';
import { openTrusted, openTrustedSync, type Trust } from '../base/trust.js';
import { checkHeader, checkNodes, checkSectionDigest, type ImageHeader } from './check.js';
import { imageKinds, modes, nodeFlags, nodeRecord, type SectionName } from './format.js';
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

/** The state of a file: another size or time, and it is not what it was. */
export interface FileStamp {
  sizeBytes: number;
  /** Since 1970, rounded down: not every file system keeps more than seconds, nor tells every host the same. */
  mtimeSeconds: number;
}

/** Of an image whose file has not been opened: what is known of it from a sealed file (env/sealed/). */
export interface SealedPart {
  /** The start of the image's file, up to the end of its meta section. */
  metadata: Buffer;
  stamp: FileStamp;
  /** A file that generated files are made of; undefined for any other. */
  readInput(node: NodeIndex): Promise<Buffer | undefined>;
}

/** Where an image comes from. */
interface Origin {
  path: string;
  base: Image | undefined;
  trust: Trust | undefined;
  sealed?: SealedPart;
}

interface Sections {
  nodes: Buffer;
  names: Buffer;
  meta: ImageMeta;
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
  /** Who reads the file again believes the same users; undefined for a file that its reader has chosen himself. */
  readonly trust: Trust | undefined;
  /** Set where the file has not been opened; who opens it makes sure that it is as it was. */
  readonly sealed: SealedPart | undefined;
  readonly #nodes: Buffer;
  readonly #names: Buffer;

  private constructor({ path, base, trust, sealed }: Origin, header: ImageHeader, parts: Sections) {
    this.path = path;
    this.header = header;
    this.#nodes = parts.nodes;
    this.#names = parts.names;
    this.meta = parts.meta;
    this.base = base;
    this.trust = trust;
    this.sealed = sealed;
  }

  /**
   * Throws IMAGE_DAMAGED or IMAGE_VERSION; a system error (ENOENT, EIO, …) passes through. With `trust`, ENOENT also
   * for the file of a user who is not believed.
   */
  static async open(path: string, base?: Image, trust?: Trust): Promise<Image> {
    const file = await openTrusted(path, trust);
    try {
      const { size } = await file.stat();
      const first = await readFully(file, 0, Math.min(firstReadBytes, size));
      const header = checkHeader(first, size, path);
      const metaEnd = header.sections.meta.offset + header.sections.meta.length;
      const rest = await readFully(file, first.length, Math.max(0, metaEnd - first.length));
      const metadata = Buffer.concat([first.subarray(0, Math.min(metaEnd, first.length)), rest]);
      return Image.#parse({ path, base, trust }, header, metadata);
    } finally {
      await file.close();
    }
  }

  /** For an image that is in memory as a whole or up to the end of its meta section. */
  static parse(data: Buffer, path: string, base?: Image): Image {
    return Image.#parse({ path, base, trust: undefined }, checkHeader(data, data.length, path), data);
  }

  /** From what a sealed file holds of it: nothing is read. Throws as `open` does for a file with these first bytes. */
  static fromSealed(path: string, sealed: SealedPart, base?: Image, trust?: Trust): Image {
    const { metadata, stamp } = sealed;
    return Image.#parse(
      { path, base, trust, sealed },
      checkHeader(metadata, stamp.sizeBytes, path),
      metadata,
    );
  }

  /**
   * For a command that composes once and ends: read without yielding, sections compared with their
   * digests, but nodes not checked one by one (that is 90 of 120 ms for 127 distributions), and an
   * image of bytecode without its base. Whoever serves an image uses `open`. Throws as `open` does.
   */
  static outline(path: string, trust?: Trust): Image {
    const fd = openTrustedSync(path, trust);
    try {
      const first = readAt(fd, 0, outlineFirstBytes, scratch);
      const header = checkHeader(first, fstatSync(fd).size, path);
      const { offset, length } = header.sections.meta;
      const data = Buffer.allocUnsafe(offset + length);
      first.copy(data);
      if (data.length > first.length)
        readAt(fd, first.length, data.length - first.length, data.subarray(first.length));
      return new Image({ path, base: undefined, trust }, header, Image.#sections(path, header, data));
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
    const parts = Image.#sections(path, header, metadata);
    checkNodes(parts.nodes, parts.names, header, path);
    return new Image({ path, base: undefined, trust: undefined }, header, parts);
  }

  static #sections(path: string, header: ImageHeader, data: Buffer): Sections {
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

  static #parse(origin: Origin, header: ImageHeader, data: Buffer): Image {
    const { path, base } = origin;
    const parts = Image.#sections(path, header, data);
    checkNodes(parts.nodes, parts.names, header, path);
    if ((header.kind === imageKinds.bytecode) !== (base !== undefined))
      throw new Error(`${path}: opened as the wrong kind`);
    return new Image(origin, header, parts);
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
  contentPlace(node: NodeIndex): { holder: Image; offset: number; sizeBytes: number } {
    const { sizeBytes, contentOffset, flags } = this.fileOf(node);
    const holder = (flags & nodeFlags.inBase) !== 0 ? this.base! : this;
    return { holder, offset: contentOffset, sizeBytes };
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
