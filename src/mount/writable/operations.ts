import { constants } from 'node:fs';
import type { FileAttributes } from '../../upper/attributes.js';
import { type ErrnoName, FileError } from '../../upper/file-error.js';
import { typeBits, types } from '../../upper/nodes.js';
import type { UpperLayer } from '../../upper/upper-layer.js';
import { environmentOf, isOfEnvironment } from '../../view/inode.js';
import type { BackingFlags, ForwardedRequest } from '../native-addon.js';
import {
  decodeSetattr,
  encodeAttributes,
  encodeCreated,
  encodeEntry,
  encodeListing,
  encodeMissing,
  encodeValue,
  type ListedName,
  nameAt,
  nameIn,
  namesIn,
  opcodes,
} from './wire.js';

/** What answers a request: bytes of a reply, nothing but success, or that the session goes on with it. */
type Outcome =
  /** `changed`: the tree is another than before; `named`: the last name that something was given. */
  | { kind: 'reply'; body: Buffer | undefined; changed?: boolean; named?: string }
  /** The native view answers the lookup of this name. */
  | { kind: 'lookup'; parent: bigint; name: string }
  /** The session has what it lacked now. */
  | { kind: 'retry' }
  /** Its content is that of the view. */
  | { kind: 'view' }
  /** The disk is waited for; the operations that come meanwhile do not wait with it. */
  | { kind: 'later'; done: Promise<void> };

/** One request on its way through an operation. */
export interface Call {
  upper: UpperLayer;
  request: ForwardedRequest;
  /** Takes the descriptor over. */
  setBacking(inode: bigint, fd: number, flags: BackingFlags): void;
  /** What had no name has one now. */
  named(inode: bigint): void;
  /** By what the kernel knows an inode, and the other way. */
  nodeIdOf(inode: bigint): bigint;
  inodeOf(nodeId: bigint): bigint;
}

type Operation = (call: Call) => Outcome;

/** Success of what has changed the tree; `named`: the name that something has now. */
const changed = (named?: string, body?: Buffer): Outcome => ({
  kind: 'reply',
  body,
  changed: true,
  ...(named === undefined ? {} : { named }),
});
const reply = (body: Buffer): Outcome => ({ kind: 'reply', body });

function fail(code: ErrnoName): never {
  throw new FileError(code);
}

/** A name of the request, which begins at `offset` of its body. Throws EILSEQ for one that is no UTF-8. */
function name({ request }: Call, offset = 0): string {
  return nameIn(request.body, offset);
}

/** Who asks, and whether the same may have been asked of the process before this one. */
function asker({ request: { uid, gid, isResent } }: Call) {
  return { owner: { uid, gid }, isResent };
}

function lookup(call: Call): Outcome {
  const { upper, request } = call;
  const wanted = name(call);
  // Above its root is what the session knows alone.
  const isAbove = wanted === '..' && upper.parentOf(request.inode) === request.inode;
  if (isAbove) return { kind: 'lookup', parent: request.inode, name: wanted };
  const found = upper.lookup(request.inode, wanted);
  if (found === undefined) return reply(encodeMissing());
  if (found.kind === 'lower') return { kind: 'lookup', parent: found.parent, name: found.name };
  return reply(encodeEntry(call.nodeIdOf(found.attributes.inode), found.attributes));
}

function list(call: Call, plus: boolean): Outcome {
  const { request } = call;
  const offset = Number(request.body.readBigUInt64LE(8));
  const room = request.body.readUInt32LE(16);
  return reply(encodeListing(namesAfter(call, offset), room, plus));
}

const [setUserBit, setGroupBit] = [0o4000, 0o2000];

function* namesAfter({ upper, request: { inode }, nodeIdOf }: Call, offset: number): Generator<ListedName> {
  const above = upper.parentOf(inode);
  if (offset < 1) yield { name: '.', inode, mode: types.folder, cookie: 1, entry: undefined };
  if (offset < 2) yield { name: '..', inode: above, mode: types.folder, cookie: 2, entry: undefined };
  for (const { type, attributes, ...listed } of upper.list(inode, offset)) {
    const isKnown = attributes?.size !== undefined;
    const entry = isKnown ? { nodeId: nodeIdOf(listed.inode), attributes } : undefined;
    yield { ...listed, mode: type, entry };
  }
}

/** An object that has just got a name. */
function made(named: string, attributes: FileAttributes): Outcome {
  return changed(named, encodeEntry(attributes.inode, attributes));
}

function setattr(call: Call): Outcome {
  const { upper, request } = call;
  const { dropsSetId, ...changes } = decodeSetattr(request.body);
  const mode = dropsSetId && withoutSetId(upper.attributes(request.inode).mode);
  const all = mode === undefined ? changes : { mode, ...changes };
  const attributes = upper.setAttributes(request.inode, all);
  // Nothing has changed where it is lower still.
  return attributes.isLower ? getattr(call) : changed(undefined, encodeAttributes(attributes));
}

/** The permission bits of a regular file that is given away or cut; undefined where they stay. */
function withoutSetId(mode: number): number | undefined {
  const groupBit = (mode & constants.S_IXGRP) !== 0 ? setGroupBit : 0;
  const doomed = mode & (setUserBit | groupBit);
  return (mode & typeBits) === types.file && doomed !== 0 ? mode & 0o7777 & ~doomed : undefined;
}

/** mknod(2) of a regular file comes here too, where the kernel does not know CREATE. */
function mknod(call: Call): Outcome {
  const { upper, request } = call;
  const [mode, device] = [request.body.readUInt32LE(0), request.body.readUInt32LE(4)];
  const wanted = name(call, 16);
  return made(wanted, upper.makeNode(request.inode, wanted, { mode, device, ...asker(call) }));
}

function mkdir(call: Call): Outcome {
  const { upper, request } = call;
  const mode = request.body.readUInt32LE(0) & 0o7777;
  const wanted = name(call, 8);
  const attributes = upper.mkdir(request.inode, wanted, { mode, ...asker(call) });
  backFolder(call, attributes.inode);
  return made(wanted, attributes);
}

function symlink(call: Call): Outcome {
  const [wanted, target] = namesIn(call.request.body, 0);
  return made(wanted, call.upper.symlink(call.request.inode, wanted, target, asker(call)));
}

/** The inode at the start of the body. Throws EXDEV where it is not of the environment that is asked. */
function sameEnvironment({ request, inodeOf }: Call): bigint {
  const inode = inodeOf(request.body.readBigUInt64LE(0));
  const isSame = isOfEnvironment(inode) && environmentOf(inode) === environmentOf(request.inode);
  return isSame ? inode : fail('EXDEV');
}

function link(call: Call): Outcome {
  const { upper, request } = call;
  const inode = sameEnvironment(call);
  const wanted = name(call, 8);
  const attributes = upper.link(inode, request.inode, wanted, asker(call));
  if (attributes.nlink === 1) call.named(inode);
  return made(wanted, attributes);
}

function unlink(call: Call): Outcome {
  call.upper.unlink(call.request.inode, name(call), asker(call));
  return changed();
}

function rmdir(call: Call): Outcome {
  call.upper.rmdir(call.request.inode, name(call), asker(call));
  return changed();
}

function rename(call: Call, flags: number, namesAt: number): Outcome {
  const { upper, request } = call;
  const [from, to] = namesIn(request.body, namesAt);
  upper.rename(request.inode, from, sameEnvironment(call), to, { flags, ...asker(call) });
  return changed(to);
}

function create(call: Call): Outcome {
  const { upper, request } = call;
  const [flags, mode] = [request.body.readUInt32LE(0), request.body.readUInt32LE(4) & 0o7777];
  const isExclusive = (flags & constants.O_EXCL) !== 0;
  const asked = { isExclusive, mode, ...asker(call) };
  const wanted = name(call, 16);
  const { attributes, fd } = upper.create(request.inode, wanted, asked);
  call.setBacking(attributes.inode, fd, {});
  return changed(wanted, encodeCreated(attributes.inode, attributes));
}

function tmpfile(call: Call): Outcome {
  const { upper, request } = call;
  const { attributes, fd } = upper.makeTemporary(request.inode, {
    mode: request.body.readUInt32LE(4) & 0o7777,
    ...asker(call),
  });
  call.setBacking(attributes.inode, fd, { orphan: true });
  return changed(undefined, encodeCreated(attributes.inode, attributes));
}

/** The session reads, writes and measures a file by itself, once it has a descriptor. */
function back(call: Call, forWriting: boolean): Outcome {
  const { upper, request } = call;
  const fd = upper.openBacking(request.inode, forWriting);
  if (fd === undefined) return { kind: 'view' };
  call.setBacking(request.inode, fd, { orphan: upper.attributes(request.inode).nlink === 0 });
  return { kind: 'retry' };
}

/** A folder is asked for its attributes again after each change in it: the session can tell them from now on. */
function getattr(call: Call): Outcome {
  const { upper, request } = call;
  const attributes = upper.measured(request.inode);
  if ((attributes.mode & typeBits) === types.folder && !attributes.isLower) backFolder(call, request.inode);
  return reply(encodeAttributes(attributes));
}

/** Without one all requests come here. */
function backFolder({ upper, setBacking }: Call, inode: bigint): void {
  const opened = upper.openFolder(inode);
  if (opened) setBacking(inode, opened.fd, { folder: true, whole: opened.isWhole });
}

function getxattr(call: Call): Outcome {
  const value = call.upper.getAttribute(call.request.inode, name(call, 8));
  return reply(encodeValue(value, call.request.body.readUInt32LE(0)) ?? fail('ERANGE'));
}

function listxattr({ upper, request }: Call): Outcome {
  const names = upper.listAttributes(request.inode).map((text) => `${text}\0`);
  return reply(encodeValue(Buffer.from(names.join('')), request.body.readUInt32LE(0)) ?? fail('ERANGE'));
}

function setxattr({ upper, request: { inode, body } }: Call): Outcome {
  const [size, flags] = [body.readUInt32LE(0), body.readUInt32LE(4)];
  const { name: wanted, end } = nameAt(body, 8);
  upper.setAttribute(inode, wanted ?? fail('EILSEQ'), body.subarray(end, end + size), flags);
  return changed();
}

function removexattr(call: Call): Outcome {
  call.upper.removeAttribute(call.request.inode, name(call));
  return changed();
}

function sync({ upper, request }: Call): Outcome {
  return { kind: 'later', done: upper.sync(request.inode) };
}

const table: Readonly<Record<number, Operation>> = {
  [opcodes.lookup]: lookup,
  [opcodes.getattr]: getattr,
  [opcodes.setattr]: setattr,
  [opcodes.readlink]: ({ upper, request }) => reply(Buffer.from(upper.readLink(request.inode))),
  [opcodes.symlink]: symlink,
  [opcodes.mknod]: mknod,
  [opcodes.mkdir]: mkdir,
  [opcodes.unlink]: unlink,
  [opcodes.rmdir]: rmdir,
  [opcodes.rename]: (call) => rename(call, 0, 8),
  [opcodes.rename2]: (call) => rename(call, call.request.body.readUInt32LE(8), 16),
  [opcodes.link]: link,
  [opcodes.read]: (call) => back(call, false),
  [opcodes.lseek]: (call) => back(call, false),
  [opcodes.write]: (call) => back(call, true),
  [opcodes.fallocate]: (call) => back(call, true),
  [opcodes.fsync]: sync,
  [opcodes.fsyncdir]: sync,
  [opcodes.setxattr]: setxattr,
  [opcodes.getxattr]: getxattr,
  [opcodes.listxattr]: listxattr,
  [opcodes.removexattr]: removexattr,
  [opcodes.readdir]: (call) => list(call, false),
  [opcodes.readdirplus]: (call) => list(call, true),
  [opcodes.create]: create,
  [opcodes.tmpfile]: tmpfile,
};

/** Carries a request out. Throws what `errnoOf` knows, and ContentMissing before anything has changed. */
export function operate(call: Call): Outcome {
  const operation = table[call.request.opcode];
  if (!operation) fail('ENOSYS');
  return operation(call);
}
