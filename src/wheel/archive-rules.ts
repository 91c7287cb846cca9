import type yauzl from 'yauzl';
import { ShenvError } from '../base/errors.js';

/** What a wheel may unpack to. */
export interface WheelLimits {
  entries: number;
  totalBytes: number;
  memberBytes: number;
  /** Largest ratio of unpacked to packed bytes of a member over `denseFromBytes`. */
  density: number;
  denseFromBytes: number;
}

/** The largest wheels of the index (CUDA builds of PyTorch) stay under half of these. */
export const defaultLimits: WheelLimits = {
  entries: 500_000,
  totalBytes: 32 * 2 ** 30,
  memberBytes: 8 * 2 ** 30,
  density: 200,
  denseFromBytes: 64 * 2 ** 20,
};

interface Seen {
  members: ReadonlyMap<string, unknown>;
  /** Case-folded path to the path as written. */
  folded: Map<string, string>;
  limits: WheelLimits;
}

const typeMask = 0o170000;
const regularType = 0o100000;
const directoryType = 0o040000;
const maxPartBytes = 255;
const maxPathBytes = 4000;

/**
 * Checks one entry of a wheel's directory against the rules for names and sizes; gives its path,
 * or undefined for a folder entry, which carries nothing. Throws WHEEL_ENTRY naming file and rule.
 */
export function checkEntry(archive: string, entry: yauzl.Entry, seen: Seen): string | undefined {
  const name = decodeName(archive, entry);
  const refuse = (rule: string) =>
    new ShenvError('WHEEL_ENTRY', `${archive}: '${printable(name)}' ${rule}`, {
      hint: 'The wheel is refused; nothing of it was kept.',
      path: name,
    });
  const isFolder = name.endsWith('/');
  const rule =
    nameRule(isFolder ? name.slice(0, -1) : name) ??
    typeRule(entry, isFolder) ??
    sizeRule(entry, seen.limits);
  if (rule) throw refuse(rule);
  if (isFolder) return undefined;
  if (seen.members.has(name)) throw refuse('is in the archive twice');
  const fold = name.normalize('NFC').toLowerCase();
  const clash = seen.folded.get(fold);
  if (clash !== undefined) throw refuse(`differs from '${printable(clash)}' in case only`);
  seen.folded.set(fold, name);
  return name;
}

function decodeName(archive: string, entry: yauzl.Entry): string {
  const raw = entry.fileNameRaw;
  const utf8Flag = (entry.generalPurposeBitFlag & 0x800) !== 0;
  try {
    if (!utf8Flag && raw.some((byte) => byte > 127)) throw new TypeError('no UTF-8 flag');
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
  } catch (cause) {
    throw new ShenvError(
      'WHEEL_ENTRY',
      `${archive}: '${printable(raw.toString('latin1'))}' is not a UTF-8 name`,
      {
        hint: 'The wheel is refused; nothing of it was kept.',
        cause,
      },
    );
  }
}

function nameRule(name: string): string | undefined {
  if (name.includes('\0')) return 'contains a NUL';
  if (name.includes('\\')) return 'contains a backslash';
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) return 'is an absolute path';
  if (/[\u0001-\u001f\u007f]/.test(name)) return 'contains a control character';
  if (Buffer.byteLength(name) > maxPathBytes) return `is longer than ${maxPathBytes} bytes`;
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

function sizeRule(entry: yauzl.Entry, limits: WheelLimits): string | undefined {
  const { compressedSize, uncompressedSize } = entry;
  if (entry.compressionMethod === 0 && compressedSize !== uncompressedSize) return 'is stored with two sizes';
  if (uncompressedSize > limits.memberBytes) return `is larger than ${limits.memberBytes} bytes`;
  if (uncompressedSize > limits.denseFromBytes && uncompressedSize > compressedSize * limits.density) {
    return `unpacks to more than ${limits.density} times its size`;
  }
  return undefined;
}

function printable(name: string): string {
  return name.replace(/[\u0000-\u001f\u007f]/g, '?');
}
