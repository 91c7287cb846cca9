import { closeSync, fstatSync, readSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Digest } from '../../base/brands.js';
import { ShenvError, systemErrorCode } from '../../base/errors.js';
import { everybody, openTrustedSync } from '../../base/trust.js';
import { checkHeader, checkSectionDigest } from '../../image/check.js';
import { digestBytes, headerBytes, imageKinds, nodeFlags, sections } from '../../image/format.js';
import { Image } from '../../image/read.js';
import { bytecodeName, distributionOf, imagePlace, withoutDistinction } from '../layout.js';
import { type ContentRun, isZero } from './content-run.js';

/**
 * `damaged`: the file is not what was written. `version`: another shenv-fs wrote it. `unreadable`: this user may not
 * read it. `place`: it is sound and not where it belongs. `serial`: it is sound and has the number of another one. `gone`:
 * it was removed meanwhile.
 */
export type FaultKind = 'damaged' | 'version' | 'unreadable' | 'place' | 'serial' | 'gone';

export interface Fault {
  kind: FaultKind;
  /** One clause, without the path. */
  rule: string;
}

/** What the metadata of one image file say, and what is left to compare with digests. */
export interface Inspection {
  path: string;
  faults: Fault[];
  /** Inode number of the file, by which one that was replaced meanwhile is told. */
  inode?: number;
  /** The three are known where the header is sound. */
  serial?: number;
  wheelDigest?: Digest;
  isBytecode?: boolean;
  /** The name of the wheel's file, where the metadata are sound. */
  wheelFilename?: string;
  builtFrom?: Digest;
  runs: ContentRun[];
}

/** Large enough for sequential reading, small enough that every core has some of a large image. */
const runBytes = 16 << 20;

/**
 * Reads everything of an image file but its contents, without yielding: header, digests of sections, rules of nodes,
 * gaps, that the file is named after what it holds, and for one of bytecode that one of `basePaths` has what it
 * refers to. Whoever's the file is, a link is not followed nor a FIFO waited for. Throws nothing for the file's own faults.
 */
export function inspectImage(path: string, images: string, basePaths: readonly string[] = []): Inspection {
  const found: Inspection = { path, faults: [], runs: [] };
  try {
    const { image, metadata } = examine(path, found);
    found.wheelFilename = image.meta.wheelFilename;
    if (image.meta.builtFrom) found.builtFrom = image.meta.builtFrom;
    if (!isInPlace(image, relative(images, path)))
      found.faults.push({ kind: 'place', rule: misplaced(image) });
    const { digests } = image.header.sections;
    const data = metadata.subarray(digests.offset, digests.offset + digests.length);
    checkSectionDigest(data, digests, 'digests', path);
    if (!hasZeroGaps(image, metadata)) found.faults.push(damage('bytes between its sections are not zero'));
    if (!fitsOneOf(basePaths, image, data))
      found.faults.push(damage("it refers to contents that its wheel's image does not have"));
    found.runs = runsOf(image, data, found.faults);
  } catch (error) {
    found.faults.push(faultOf(error, path));
  }
  return found;
}

function faultOf(error: unknown, path: string): Fault {
  if (error instanceof ShenvError) {
    const kind = error.code === 'IMAGE_VERSION' ? 'version' : 'damaged';
    return { kind, rule: error.message.replace(`${path}: `, '').replace(`${path} `, 'it ') };
  }
  const code = systemErrorCode(error);
  const kind = code === undefined ? undefined : kindOf(code);
  if (kind === undefined) throw error;
  return { kind, rule: kind === 'unreadable' ? 'this user may not read it' : `it cannot be read (${code})` };
}

/** What a system error says of a file; undefined for what says nothing of it: no memory, too many open files. */
export function kindOf(errorCode: string): FaultKind | undefined {
  if (['EACCES', 'EPERM'].includes(errorCode)) return 'unreadable';
  if (['ENOENT', 'ESTALE'].includes(errorCode)) return 'gone';
  // What disks, file systems with digests of their own, and names that are no files give.
  const ofDamage = [
    'EIO',
    'EUCLEAN',
    'EBADMSG',
    'ENODATA',
    'EREMOTEIO',
    'EISDIR',
    'ENOTDIR',
    'ELOOP',
    'ENXIO',
  ];
  return ofDamage.includes(errorCode) ? 'damaged' : undefined;
}

function damage(rule: string): Fault {
  return { kind: 'damaged', rule };
}

function examine(path: string, found: Inspection): { image: Image; metadata: Buffer } {
  const fd = openTrustedSync(path, everybody);
  try {
    const { size, ino } = fstatSync(fd);
    found.inode = ino;
    const start = readFully(fd, 0, headerBytes);
    const header = checkHeader(start, size, path);
    found.serial = header.serial;
    found.wheelDigest = header.wheelDigest as Digest;
    found.isBytecode = header.kind === imageKinds.bytecode;
    const metadata = readFully(fd, 0, header.sections.contents.offset);
    return { image: Image.examine(metadata, size, path), metadata };
  } finally {
    closeSync(fd);
  }
}

function readFully(fd: number, position: number, length: number): Buffer {
  const data = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const count = readSync(fd, data, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return data.subarray(0, done);
}

/** Also in the folder of a user apart, and under the name that it gets where another one has taken its own. */
function isInPlace({ meta, wheelDigest }: Image, path: string): boolean {
  const { folder, file } = imagePlace(meta.wheelFilename, wheelDigest);
  const own = meta.cacheTag === undefined ? file : bytecodeName(file, meta.cacheTag);
  const [distribution = '', version, name = ''] = path.split('/');
  return join(distributionOf(distribution), version ?? '') === folder && withoutDistinction(name) === own;
}

function misplaced({ meta }: Image): string {
  const what = meta.cacheTag === undefined ? 'the image' : `the bytecode for ${meta.cacheTag}`;
  return `it is ${what} of ${meta.wheelFilename} under another name`;
}

function hasZeroGaps({ header }: Image, metadata: Buffer): boolean {
  let end = headerBytes;
  for (const name of sections) {
    const { offset, length } = header.sections[name];
    if (!isZero(metadata.subarray(end, offset))) return false;
    end = offset + length;
  }
  return true;
}

/** Bytecode is of use only with a wheel's image that it was compiled from; where there is none it is not judged. */
function fitsOneOf(basePaths: readonly string[], image: Image, digests: Buffer): boolean {
  const bases = basePaths.flatMap((path) => readBase(path) ?? []);
  return bases.length === 0 || bases.some((base) => fits(image, digests, base));
}

function fits(image: Image, digests: Buffer, base: { image: Image; digests: Buffer }): boolean {
  if (image.wheelDigest !== base.image.wheelDigest) return false;
  for (let node = 0; node < image.nodeCount; node += 1) {
    if (image.isDirectory(node)) continue;
    const file = image.fileOf(node);
    if ((file.flags & nodeFlags.inBase) === 0) continue;
    const { baseNode } = file;
    if (baseNode >= base.image.nodeCount || base.image.isDirectory(baseNode)) return false;
    const other = base.image.fileOf(baseNode);
    if (other.contentOffset !== file.contentOffset || other.sizeBytes !== file.sizeBytes) return false;
    const [a, b] = [file.digestIndex * digestBytes, other.digestIndex * digestBytes];
    if (digests.compare(base.digests, b, b + digestBytes, a, a + digestBytes) !== 0) return false;
  }
  return true;
}

/** Undefined where the base is damaged or not there: that is its own fault. */
function readBase(path: string): { image: Image; digests: Buffer } | undefined {
  try {
    const { image, metadata } = examine(path, { path, faults: [], runs: [] });
    const { offset, length } = image.header.sections.digests;
    return { image, digests: metadata.subarray(offset, offset + length) };
  } catch (error) {
    faultOf(error, path);
    return undefined;
  }
}

/** The contents in file order, cut between files so that no run but one of a single file is much over 16 MiB. */
function runsOf(image: Image, digests: Buffer, faults: Fault[]): ContentRun[] {
  const { contents } = image.header.sections;
  const files = filesByOffset(image);
  const runs: ContentRun[] = [];
  let start = contents.offset;
  for (let first = 0; first < files.length || start < image.header.fileBytes; ) {
    let last = first;
    let end = start;
    while (last < files.length && (last === first || end - start < runBytes)) {
      if (files[last]!.offset < end) faults.push(damage('contents of two files overlap'));
      end = Math.max(end, files[last]!.offset + files[last]!.sizeBytes);
      last += 1;
    }
    if (last === files.length) end = image.header.fileBytes;
    runs.push(makeRun(image.path, files.slice(first, last), digests, { start, end }));
    [first, start] = [last, end];
  }
  return faults.some(({ kind }) => kind === 'damaged') ? [] : runs;
}

interface PlacedContent {
  node: number;
  offset: number;
  sizeBytes: number;
  digestIndex: number;
}

function filesByOffset(image: Image): PlacedContent[] {
  const files: PlacedContent[] = [];
  for (let node = 0; node < image.nodeCount; node += 1) {
    if (image.isDirectory(node)) continue;
    const { sizeBytes, contentOffset, flags, digestIndex } = image.fileOf(node);
    if (sizeBytes > 0 && (flags & nodeFlags.inBase) === 0)
      files.push({ node, offset: contentOffset, sizeBytes, digestIndex });
  }
  return files.sort((a, b) => a.offset - b.offset);
}

function makeRun(
  path: string,
  files: readonly PlacedContent[],
  digests: Buffer,
  { start, end }: { start: number; end: number },
): ContentRun {
  const own = new Uint8Array(files.length * digestBytes);
  files.forEach(({ digestIndex }, index) => {
    own.set(
      digests.subarray(digestIndex * digestBytes, (digestIndex + 1) * digestBytes),
      index * digestBytes,
    );
  });
  return {
    path,
    start,
    end,
    offsets: Float64Array.from(files, ({ offset }) => offset),
    sizes: Float64Array.from(files, ({ sizeBytes }) => sizeBytes),
    nodes: Uint32Array.from(files, ({ node }) => node),
    digests: own,
  };
}
