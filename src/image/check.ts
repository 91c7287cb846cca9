import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { ShenvError } from '../base/errors.js';
import {
  contentsAlignment,
  damageHint,
  digestBytes,
  formatVersion,
  header,
  headerBytes,
  imageKinds,
  knownFlags,
  limits,
  magic,
  modes,
  nodeFlags,
  nodeRecord,
  type SectionName,
  sectionAlignment,
  sectionId,
  sectionRecord,
  sections,
} from './format.js';

export interface SectionPlace {
  offset: number;
  length: number;
  digest: Buffer;
}

export interface ImageHeader {
  kind: number;
  serial: number;
  fileBytes: number;
  nodeCount: number;
  wheelDigest: string;
  sections: Readonly<Record<SectionName, SectionPlace>>;
  /** SHA-256 of the header, in hexadecimal: with the digests in it, it tells every byte of the image. */
  digest: string;
}

function damaged(path: string, rule: string): ShenvError {
  return new ShenvError('IMAGE_DAMAGED', `${path}: ${rule}`, {
    hint: damageHint,
    path,
  });
}

/**
 * Reads and checks the header; `data` holds at least the first `headerBytes` of the file.
 * Throws IMAGE_VERSION for a version or feature that this reader does not know, IMAGE_DAMAGED else.
 */
export function checkHeader(data: Buffer, actualBytes: number, path: string): ImageHeader {
  if (data.length < headerBytes || !data.subarray(0, magic.length).equals(magic)) {
    throw damaged(path, 'the magic number is missing');
  }
  const version = data.readUInt32LE(header.version);
  if (version !== formatVersion || data.readUInt32LE(header.features) !== 0) {
    throw new ShenvError('IMAGE_VERSION', `${path} has image format ${version} or unknown features`, {
      hint: 'It was written by a newer shenv-fs; use that one, or add the wheel again to another store.',
      path,
      expected: String(formatVersion),
      found: String(version),
    });
  }
  const signed = headerBytes - digestBytes;
  if (!sha256(data.subarray(0, signed)).equals(data.subarray(signed, headerBytes))) {
    throw damaged(path, 'the header digest does not match');
  }
  const found: ImageHeader = {
    kind: data.readUInt32LE(header.kind),
    serial: Number(data.readBigUInt64LE(header.serial)),
    fileBytes: Number(data.readBigUInt64LE(header.fileBytes)),
    nodeCount: data.readUInt32LE(header.nodeCount),
    wheelDigest: data.toString('hex', header.wheelDigest, header.wheelDigest + digestBytes),
    sections: readSections(data, path),
    digest: data.toString('hex', signed, headerBytes),
  };
  checkHeaderFields(found, actualBytes, path);
  return found;
}

function readSections(data: Buffer, path: string): ImageHeader['sections'] {
  if (data.readUInt32LE(header.headerBytes) !== headerBytes)
    throw damaged(path, 'the header length is wrong');
  if (data.readUInt32LE(header.sectionCount) !== sections.length)
    throw damaged(path, 'the section count is wrong');
  const places = {} as Record<SectionName, SectionPlace>;
  let end = headerBytes;
  sections.forEach((name, index) => {
    const at = header.sectionTable + index * sectionRecord.bytes;
    const place = {
      offset: Number(data.readBigUInt64LE(at + sectionRecord.offset)),
      length: Number(data.readBigUInt64LE(at + sectionRecord.length)),
      digest: data.subarray(at + sectionRecord.digest, at + sectionRecord.digest + digestBytes),
    };
    if (data.readUInt32LE(at + sectionRecord.reserved) !== 0) throw damaged(path, 'a reserved field is set');
    if (data.readUInt32LE(at + sectionRecord.id) !== sectionId[name])
      throw damaged(path, `section ${index} is not '${name}'`);
    if (place.offset < end || place.offset % sectionAlignment !== 0)
      throw damaged(path, `section '${name}' overlaps or is unaligned`);
    end = place.offset + place.length;
    places[name] = place;
  });
  return places;
}

function checkHeaderFields(found: ImageHeader, actualBytes: number, path: string): void {
  const { nodes, contents } = found.sections;
  if (contents.offset % contentsAlignment !== 0) throw damaged(path, 'the contents are unaligned');
  if (contents.digest.some((byte) => byte !== 0))
    throw damaged(path, 'the contents have a digest of their own');
  if (found.kind !== imageKinds.wheel && found.kind !== imageKinds.bytecode)
    throw damaged(path, 'the kind is unknown');
  if (found.serial < 1 || found.serial > 2 ** 31 - 1) throw damaged(path, 'the serial is out of range');
  if (found.fileBytes !== actualBytes)
    throw damaged(path, `the file has ${actualBytes} bytes, not ${found.fileBytes}`);
  if (contents.offset + contents.length !== actualBytes)
    throw damaged(path, 'the contents do not end with the file');
  if (contents.offset > limits.metadataBytes) throw damaged(path, 'the metadata sections are too large');
  if (found.nodeCount < 1 || found.nodeCount > limits.nodes)
    throw damaged(path, 'the node count is out of range');
  if (nodes.length !== found.nodeCount * nodeRecord.bytes)
    throw damaged(path, 'the node section has the wrong length');
}

export function checkSectionDigest(data: Buffer, place: SectionPlace, name: SectionName, path: string): void {
  if (!sha256(data).equals(place.digest))
    throw damaged(path, `the digest of section '${name}' does not match`);
}

/** A node's fields as the checks use them. */
interface NodeView {
  nameOffset: number;
  nameBytes: number;
  mode: number;
  parent: number;
  firstChild: number;
  childCount: number;
}

/**
 * Checks every node: one breadth-first tree without gaps, sorted and legal names, known modes and
 * flags, contents inside the file. What passes needs no checks afterwards.
 */
export function checkNodes(nodes: Buffer, names: Buffer, found: ImageHeader, path: string): void {
  const refuse = (index: number, rule: string) => damaged(path, `node ${index} ${rule}`);
  let nextChild = 1;
  let files = 0;
  for (let index = 0; index < found.nodeCount; index += 1) {
    const at = index * nodeRecord.bytes;
    const node = viewNode(nodes, at);
    const rule = nameRule(node, names, index) ?? orderRule(nodes, names, node, index);
    if (rule) throw refuse(index, rule);
    if (node.mode === modes.directory) {
      const rule = directoryRule(nodes, at, node, index, nextChild, found.nodeCount);
      if (rule) throw refuse(index, rule);
      nextChild += node.childCount;
    } else {
      const rule = fileRule(nodes, at, node, files, found);
      if (rule) throw refuse(index, rule);
      files += 1;
    }
  }
  if (nextChild !== found.nodeCount) throw damaged(path, 'the tree has nodes that no directory holds');
  if (found.sections.digests.length !== files * digestBytes)
    throw damaged(path, 'the digest section has the wrong length');
}

function viewNode(nodes: Buffer, at: number): NodeView {
  return {
    nameOffset: nodes.readUInt32LE(at + nodeRecord.nameOffset),
    nameBytes: nodes.readUInt16LE(at + nodeRecord.nameBytes),
    mode: nodes.readUInt16LE(at + nodeRecord.mode),
    parent: nodes.readUInt32LE(at + nodeRecord.parent),
    firstChild: nodes.readUInt32LE(at + nodeRecord.firstChild),
    childCount: nodes.readUInt32LE(at + nodeRecord.childCount),
  };
}

function nameRule(node: NodeView, names: Buffer, index: number): string | undefined {
  const { nameOffset, nameBytes } = node;
  if (nameOffset + nameBytes > names.length) return 'has a name outside the names section';
  if (index === 0) return nameBytes === 0 ? undefined : 'is the root and has a name';
  if (nameBytes === 0 || nameBytes > limits.nameBytes) return 'has a name of illegal length';
  const name = names.subarray(nameOffset, nameOffset + nameBytes);
  if (!isUtf8(name)) return 'has a name that is not UTF-8';
  if (name.includes(0) || name.includes(0x2f)) return "has a name with NUL or '/'";
  if (name[0] === 0x2e && (nameBytes === 1 || (nameBytes === 2 && name[1] === 0x2e)))
    return "is named '.' or '..'";
  return undefined;
}

/** Children of one parent are neighbours, sorted strictly; parents come in order and hold their children. */
function orderRule(nodes: Buffer, names: Buffer, node: NodeView, index: number): string | undefined {
  if (index === 0)
    return node.parent === 0 && node.mode === modes.directory ? undefined : 'is no root directory';
  if (node.parent >= index) return 'comes before its parent';
  const parent = viewNode(nodes, node.parent * nodeRecord.bytes);
  if (index < parent.firstChild || index >= parent.firstChild + parent.childCount)
    return 'is not among the children of its parent';
  if (index === parent.firstChild) return undefined;
  const before = viewNode(nodes, (index - 1) * nodeRecord.bytes);
  const order = names.compare(
    names,
    node.nameOffset,
    node.nameOffset + node.nameBytes,
    before.nameOffset,
    before.nameOffset + before.nameBytes,
  );
  return order < 0 ? undefined : 'is not in name order or is there twice';
}

function directoryRule(
  nodes: Buffer,
  at: number,
  node: NodeView,
  index: number,
  nextChild: number,
  nodeCount: number,
): string | undefined {
  if (!allZero(nodes, at + nodeRecord.flags, at + nodeRecord.mtimeNs))
    return 'is a directory with contents or flags';
  if (!allZero(nodes, at + nodeRecord.digestIndex, at + nodeRecord.bytes))
    return 'is a directory with a digest';
  if (node.childCount === 0) return node.firstChild === 0 ? undefined : 'has a first child but no children';
  if (node.firstChild !== nextChild || node.firstChild <= index) return 'has children out of order';
  return node.firstChild + node.childCount <= nodeCount ? undefined : 'has children past the end';
}

function fileRule(
  nodes: Buffer,
  at: number,
  node: NodeView,
  files: number,
  found: ImageHeader,
): string | undefined {
  if (node.mode !== modes.file && node.mode !== modes.executable) return 'has an unknown mode';
  if (node.firstChild !== 0 || node.childCount !== 0) return 'is a file with children';
  const flags = nodes.readUInt32LE(at + nodeRecord.flags);
  const inBase = (flags & nodeFlags.inBase) !== 0;
  if ((flags & ~knownFlags) !== 0) return 'has unknown flags';
  if ((flags & nodeFlags.codecMask) !== 0) return 'has an unknown codec';
  if (inBase && found.kind !== imageKinds.bytecode) return 'refers to a base image that there is none of';
  if (!inBase && nodes.readUInt32LE(at + nodeRecord.baseNode) !== 0)
    return 'has a base node but its own contents';
  if (nodes.readUInt32LE(at + nodeRecord.digestIndex) !== files) return 'has the wrong digest index';
  const size = nodes.readBigUInt64LE(at + nodeRecord.sizeBytes);
  const offset = nodes.readBigUInt64LE(at + nodeRecord.contentOffset);
  if (size > 2n ** 52n || offset > 2n ** 52n) return 'has a size or an offset out of range';
  if (nodes.readBigUInt64LE(at + nodeRecord.storedBytes) !== size)
    return 'has a stored size that is not its size';
  if (size === 0n) return offset === 0n || inBase ? undefined : 'is empty but has an offset';
  if (inBase) return undefined;
  if (offset < BigInt(found.sections.contents.offset)) return 'has contents before the contents section';
  return offset + size <= BigInt(found.fileBytes) ? undefined : 'has contents past the end of the file';
}

function allZero(data: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (data[at] !== 0) return false;
  return true;
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}
