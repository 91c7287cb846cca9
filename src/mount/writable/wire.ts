import type { AttributeChanges, FileAttributes } from '../../upper/attributes.js';
import { FileError } from '../../upper/file-error.js';

/**
 * The parts of the kernel's FUSE protocol (7.12 to 7.41, linux/fuse.h; see `man 4 fuse`) that are answered in
 * JavaScript: what changes a writable environment. The native half knows the rest. Little-endian.
 */
export const opcodes = {
  lookup: 1,
  getattr: 3,
  setattr: 4,
  readlink: 5,
  symlink: 6,
  mknod: 8,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  link: 13,
  read: 15,
  write: 16,
  fsync: 20,
  setxattr: 21,
  getxattr: 22,
  listxattr: 23,
  removexattr: 24,
  readdir: 28,
  fsyncdir: 30,
  create: 35,
  fallocate: 43,
  readdirplus: 44,
  rename2: 45,
  lseek: 46,
  tmpfile: 51,
} as const;

/** Seconds that a name or its attributes are valid: without end, as natively. */
const endlessSeconds = 0x7fffffffn;
/** Sizes of `fuse_attr`, `fuse_entry_out`, `fuse_dirent` without its name, and `fuse_setattr_in`. */
const bytes = { attr: 88, entry: 128, dirent: 24, setattr: 88 } as const;
/** FOPEN_KEEP_CACHE. */
const openKeepCache = 1 << 1;
/** `st_blksize`, as natively. */
const blockBytes = 4096;
const nsPerSecond = 1_000_000_000n;

/** The name at `offset`, up to its NUL, and where what follows begins. Undefined where it is no UTF-8. */
export function nameAt(body: Buffer, offset: number): { name: string | undefined; end: number } {
  const found = body.indexOf(0, offset);
  const end = found < 0 ? body.length : found;
  const raw = body.subarray(offset, end);
  const name = raw.toString('utf8');
  return { name: Buffer.from(name, 'utf8').equals(raw) ? name : undefined, end: end + 1 };
}

/** The name at `offset`. Throws EILSEQ for one that is no UTF-8. */
export function nameIn(body: Buffer, offset: number): string {
  return utf8(nameAt(body, offset).name);
}

/** Two names that follow one another. Throws EILSEQ as `nameIn`. */
export function namesIn(body: Buffer, offset: number): [string, string] {
  const first = nameAt(body, offset);
  return [utf8(first.name), nameIn(body, first.end)];
}

function utf8(name: string | undefined): string {
  if (name === undefined) throw new FileError('EILSEQ');
  return name;
}

/** FATTR_*: which fields of a `fuse_setattr_in` are given. */
const valid = {
  mode: 1 << 0,
  uid: 1 << 1,
  gid: 1 << 2,
  size: 1 << 3,
  atime: 1 << 4,
  mtime: 1 << 5,
  atimeNow: 1 << 7,
  mtimeNow: 1 << 8,
  killSuidgid: 1 << 11,
} as const;

/** Throws RangeError for a body that is too short. */
export function decodeSetattr(body: Buffer): AttributeChanges & { dropsSetId?: true } {
  if (body.length < bytes.setattr) throw new RangeError('a SETATTR is too short');
  const given = body.readUInt32LE(0);
  const has = (bit: number) => (given & bit) !== 0;
  const time = (secondsAt: number, nsAt: number) =>
    body.readBigInt64LE(secondsAt) * nsPerSecond + BigInt(body.readUInt32LE(nsAt));
  return {
    ...(has(valid.killSuidgid) ? { dropsSetId: true } : {}),
    ...(has(valid.mode) ? { mode: body.readUInt32LE(68) & 0o7777 } : {}),
    ...(has(valid.uid) ? { uid: body.readUInt32LE(76) } : {}),
    ...(has(valid.gid) ? { gid: body.readUInt32LE(80) } : {}),
    ...(has(valid.size) ? { size: Number(body.readBigUInt64LE(16)) } : {}),
    ...(has(valid.atime) ? { atime: has(valid.atimeNow) ? 'now' : time(32, 56) } : {}),
    ...(has(valid.mtime) ? { mtime: has(valid.mtimeNow) ? 'now' : time(40, 60) } : {}),
  };
}

/** The answer to a name: `nodeId` is what the kernel calls it. */
export function encodeEntry(nodeId: bigint, attributes: FileAttributes): Buffer {
  const out = Buffer.alloc(bytes.entry);
  writeEntry(out, 0, nodeId, attributes);
  return out;
}

/** A name that is not there: the kernel remembers that too. */
export function encodeMissing(): Buffer {
  const out = Buffer.alloc(bytes.entry);
  out.writeBigUInt64LE(endlessSeconds, 16);
  return out;
}

/** The answer to CREATE and TMPFILE: the kernel keeps what it has of the file. */
export function encodeCreated(nodeId: bigint, attributes: FileAttributes): Buffer {
  const out = Buffer.alloc(bytes.entry + 16);
  writeEntry(out, 0, nodeId, attributes);
  out.writeUInt32LE(openKeepCache, bytes.entry + 8);
  return out;
}

/** The answer to GETATTR and SETATTR. */
export function encodeAttributes(attributes: FileAttributes): Buffer {
  const out = Buffer.alloc(16 + bytes.attr);
  out.writeBigUInt64LE(endlessSeconds, 0);
  writeAttributes(out, 16, attributes);
  return out;
}

/** The answer to GETXATTR and LISTXATTR; a `size` of 0 asks how large the value is. Undefined where it does not fit. */
export function encodeValue(value: Buffer, size: number): Buffer | undefined {
  if (size === 0) {
    const out = Buffer.alloc(8);
    out.writeUInt32LE(value.length, 0);
    return out;
  }
  return value.length > size ? undefined : value;
}

export interface ListedName {
  name: string;
  inode: bigint;
  /** With the bits of its type. */
  mode: number;
  /** The offset that goes on after it. */
  cookie: number;
  /** Left out, the kernel looks the name up when it needs more. */
  entry: { nodeId: bigint; attributes: FileAttributes } | undefined;
}

/** The records of a READDIR, or with `plus` of a READDIRPLUS, as many as fit into `room` bytes. */
export function encodeListing(names: Iterable<ListedName>, room: number, plus: boolean): Buffer {
  const parts: Buffer[] = [];
  let used = 0;
  for (const listed of names) {
    const record = encodeListed(listed, plus);
    if (used + record.length > room) break;
    parts.push(record);
    used += record.length;
  }
  return Buffer.concat(parts, used);
}

function encodeListed({ name, inode, mode, cookie, entry }: ListedName, plus: boolean): Buffer {
  const text = Buffer.from(name);
  const fixed = plus ? bytes.entry : 0;
  const out = Buffer.alloc((fixed + bytes.dirent + text.length + 7) & ~7);
  if (plus && entry) writeEntry(out, 0, entry.nodeId, entry.attributes);
  out.writeBigUInt64LE(inode, fixed);
  out.writeBigUInt64LE(BigInt(cookie), fixed + 8);
  out.writeUInt32LE(text.length, fixed + 16);
  out.writeUInt32LE((mode & 0o170000) >> 12, fixed + 20);
  text.copy(out, fixed + bytes.dirent);
  return out;
}

function writeEntry(out: Buffer, at: number, nodeId: bigint, attributes: FileAttributes): void {
  out.writeBigUInt64LE(nodeId, at);
  out.writeBigUInt64LE(endlessSeconds, at + 16);
  out.writeBigUInt64LE(endlessSeconds, at + 24);
  writeAttributes(out, at + 40, attributes);
}

function writeAttributes(out: Buffer, at: number, attributes: FileAttributes): void {
  out.writeBigUInt64LE(attributes.inode, at);
  out.writeBigUInt64LE(BigInt(attributes.size ?? 0), at + 8);
  out.writeBigUInt64LE(BigInt(attributes.blocks), at + 16);
  const times = [attributes.atimeNs, attributes.mtimeNs, attributes.ctimeNs];
  times.forEach((time, index) => {
    const rest = ((time % nsPerSecond) + nsPerSecond) % nsPerSecond;
    out.writeBigInt64LE((time - rest) / nsPerSecond, at + 24 + index * 8);
    out.writeUInt32LE(Number(rest), at + 48 + index * 4);
  });
  const { mode, nlink, uid, gid, rdev } = attributes;
  [mode, nlink, uid, gid, rdev, blockBytes].forEach((value, index) => {
    out.writeUInt32LE(value >>> 0, at + 60 + index * 4);
  });
}
