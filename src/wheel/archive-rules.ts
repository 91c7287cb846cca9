import type yauzl from 'yauzl';
import type { WheelLimits } from './limits.js';
import type { NameClash, NameClashes } from './name-clashes.js';
import { printable, refuseOverLimit, refuseWheel } from './refusal.js';

/** What is known of the members before this one; each is added to it. */
export interface SeenMembers {
  members: ReadonlyMap<string, unknown>;
  folders: Set<string>;
  names: NameClashes;
  /** Clashes of case that were let pass. */
  caseClashes: number;
  limits: WheelLimits;
}

const typeMask = 0o170000;
const regularType = 0o100000;
const directoryType = 0o040000;
const maxPartBytes = 255;

/**
 * Checks one entry of a wheel's directory against the rules for names and sizes; gives its path,
 * or undefined for a folder entry, which carries nothing. Throws WHEEL_ENTRY naming file and rule.
 */
export function checkEntry(archive: string, entry: yauzl.Entry, seen: SeenMembers): string | undefined {
  const name = decodeName(archive, entry);
  const refuse = (rule: string) => refuseEntry(archive, name, rule);
  const isFolder = name.endsWith('/');
  const path = isFolder ? name.slice(0, -1) : name;
  const rule = nameRule(path) ?? typeRule(entry, isFolder) ?? sizeRule(entry);
  if (rule) throw refuse(rule);
  checkLimits(archive, name, entry, seen.limits);
  if (isFolder ? seen.folders.has(name) : seen.members.has(name)) throw refuse('is in the archive twice');
  if (isFolder) seen.folders.add(name);
  const clash = isFolder ? seen.names.addFolder(path) : seen.names.addFile(path);
  if (clash?.kind === 'case' && seen.caseClashes < seen.limits.caseClashes) seen.caseClashes += 1;
  else if (clash) throw refuseClash(archive, name, clash, seen.limits);
  return isFolder ? undefined : name;
}

/** The error for a name that gets in the way of an earlier one. */
export function refuseClash(archive: string, name: string, clash: NameClash, limits: WheelLimits): Error {
  if (clash.kind === 'twice') return refuseEntry(archive, name, 'has the place of another file');
  if (clash.kind === 'folder')
    return refuseEntry(archive, name, `makes '${clash.earlier}' a file and a folder`);
  const rule = `${archive}: '${printable(name)}' differs from '${printable(clash.earlier)}' in case only`;
  return refuseOverLimit('WHEEL_ENTRY', rule, name, { name: 'caseClashes', limits });
}

function refuseEntry(archive: string, name: string, rule: string): Error {
  return refuseWheel('WHEEL_ENTRY', `${archive}: '${printable(name)}' ${rule}`, name, {
    hint: 'The wheel is refused; nothing of it was kept.',
  });
}

function decodeName(archive: string, entry: yauzl.Entry): string {
  const raw = entry.fileNameRaw;
  const hasUtf8Flag = (entry.generalPurposeBitFlag & 0x800) !== 0;
  if (!hasUtf8Flag && raw.some((byte) => byte > 127)) {
    throw refuseEntry(archive, raw.toString('latin1'), 'is not a UTF-8 name: it lacks the flag');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw refuseEntry(archive, raw.toString('latin1'), 'is not a UTF-8 name');
  }
}

function nameRule(name: string): string | undefined {
  if (name.includes('\0')) return 'contains a NUL';
  if (name.includes('\\')) return 'contains a backslash';
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) return 'is an absolute path';
  if (/[\u0001-\u001f\u007f]/.test(name)) return 'contains a control character';
  for (const part of name.split('/')) {
    if (part === '' || part === '.' || part === '..') return "has an empty, '.' or '..' part";
    if (Buffer.byteLength(part) > maxPartBytes) return `has a part longer than ${maxPartBytes} bytes`;
  }
  return undefined;
}

function typeRule(entry: yauzl.Entry, isFolder: boolean): string | undefined {
  const type = (entry.externalFileAttributes >>> 16) & typeMask;
  if (type !== 0 && type !== regularType && type !== directoryType) return 'is a link or a special file';
  if (type === directoryType && !isFolder) return 'is marked as a folder but named as a file';
  if (isFolder && entry.uncompressedSize > 0) return 'is a folder with contents';
  if (entry.isEncrypted()) return 'is encrypted';
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    return `uses compression method ${entry.compressionMethod}`;
  }
  return undefined;
}

function sizeRule(entry: yauzl.Entry): string | undefined {
  const { compressionMethod, compressedSize, uncompressedSize } = entry;
  return compressionMethod === 0 && compressedSize !== uncompressedSize
    ? 'is stored with two sizes'
    : undefined;
}

function checkLimits(archive: string, name: string, entry: yauzl.Entry, limits: WheelLimits): void {
  const { compressedSize, uncompressedSize } = entry;
  const refuse = (rule: string, limit: keyof WheelLimits) =>
    refuseOverLimit('WHEEL_ENTRY', `${archive}: '${printable(name)}' ${rule}`, name, { name: limit, limits });
  if (Buffer.byteLength(name) > limits.pathBytes) {
    throw refuse(`is longer than ${limits.pathBytes} bytes`, 'pathBytes');
  }
  if (name.split('/').length > limits.pathParts) throw refuse('has too many parts', 'pathParts');
  if (uncompressedSize > limits.memberBytes) {
    throw refuse(`is larger than ${limits.memberBytes} bytes`, 'memberBytes');
  }
  if (isDense(uncompressedSize, compressedSize, limits)) {
    throw refuse(`unpacks to more than ${limits.density} times its size`, 'density');
  }
}

/** Whether so much comes out of so little that nobody should unpack it unasked. */
export function isDense(unpackedBytes: number, packedBytes: number, limits: WheelLimits): boolean {
  return unpackedBytes > limits.denseFromBytes && unpackedBytes > packedBytes * limits.density;
}
