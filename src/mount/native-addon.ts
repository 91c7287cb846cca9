import { findBesideNativeModule, loadNativeModule } from '../base/native-module.js';
import type { FileStamp } from '../image/read.js';

/** What native/src/addon.cpp exports; docs/fuse-ops.md tells how it answers the kernel. */
export interface NativeAddon {
  /**
   * Mounts as root with mount(2), else through fusermount3: read-only, or writable with the kernel's check of
   * permissions. Throws an Error with a `code`.
   */
  mountFuse(
    mountpoint: string,
    options: { allowOther: boolean; writable: boolean; fsname: string; subtype: string },
  ): { fd: number; via: 'mount' | 'fusermount3' };
  openSession(options: SessionOptions): NativeSession;
  /** Waits for a message; undefined when the supervisor has ended. Throws ETIMEDOUT. The descriptors are the caller's. */
  receiveFromSupervisor(socket: number, timeoutMs: number): { message: Buffer; fds: number[] } | undefined;
  /** The descriptors stay the caller's. */
  sendToSupervisor(socket: number, message: Buffer, fds: readonly number[]): void;
  /** execve(2): this process becomes another program, with its standard streams. Returns only by throwing. */
  becomeProgram(path: string, words: readonly string[], variables: readonly string[]): void;
}

/** What kernel and engine agreed on, as another process of the same mount needs it. */
export interface Agreed {
  minor: number;
  features: bigint;
  maxWrite: number;
  maxPages: number;
  maxReadahead: number;
}

/** A request that cannot be answered before JavaScript has composed a view, found one that brings an image, or made a file. */
export type Upcall =
  | { token: number; kind: 'view'; environmentSerial: number }
  | { token: number; kind: 'image'; imageSerial: number }
  | { token: number; kind: 'content'; inode: bigint };

/** A request of a writable session that native code does not answer; `NativeSession.answer` and its like end it. */
export interface ForwardedRequest {
  token: number;
  /** As fuse.h numbers it. */
  opcode: number;
  /** The inode number of the node id in the header: of the mount's root 1, or that of the sole environment's root. */
  inode: bigint;
  /** It may have been carried out before: the process before this one had read it. */
  isResent: boolean;
  /** Of the calling process; what is done for it is owned by the session's user nevertheless. */
  uid: number;
  gid: number;
  pid: number;
  /** The message after its header. */
  body: Buffer;
}

export interface SessionOptions {
  /** One, which is cloned for each thread; with `agreed` all that the process before this one had. */
  fds: readonly number[];
  agreed: Agreed | undefined;
  threads: number;
  uid: number;
  gid: number;
  fullBlocks: boolean;
  /** Images lie where each read waits for a server: fewer and larger ones. */
  isStoreRemote: boolean;
  maxImageDescriptors: number;
  generatedCacheBytes: number;
  /** As the mount was made; environments whose views are own then take what changes them. */
  writable: boolean;
  /** Whose file system STATFS tells of in a writable session; undefined: of none. */
  statfsPath: string | undefined;
  onUpcall(upcall: Upcall): void;
  /** In a writable session: each token waits until it is answered. */
  onRequest?(request: ForwardedRequest): void;
  /** The kernel has forgotten an inode of `watchForget`. */
  onForget?(inode: bigint): void;
  /** Called once when the mount has ended; 0, or the errno that ended it. */
  onEnd(errno: number): void;
}

export interface NativeImagePlace {
  serial: number;
  path: string;
  /** Beside this process and root, the only user whose file is opened there; left out: anybody's is. */
  storeOwner?: number;
  /** The file is opened in this state only; left out: in any. */
  stamp?: FileStamp;
}

export interface NativeImage extends NativeImagePlace {
  /** Value of `user.shenv.origin` of its files. */
  origin: string;
  /** The wheel's image, for an image of bytecode. */
  base?: NativeImagePlace;
  /** The start of the file up to the end of its names, as it was at `stamp`; left out: read from the file. */
  metadata?: Buffer;
}

export interface NativeCounters {
  opcodes: Record<string, { requests: number; errors: number }>;
  /** Requests that wait for JavaScript. */
  waiting: number;
  [name: string]: unknown;
}

/** What stands behind a descriptor that a session is given. */
export interface BackingFlags {
  /** Of a file: its last link is where the mount does not show it. */
  orphan?: boolean;
  /** A folder: only its attributes and the names that are not there are told from it. */
  folder?: boolean;
  /** Of a folder: nothing lower is merged with it. */
  whole?: boolean;
}

/** One mounted session: native threads answer the kernel from what was published here. */
export interface NativeSession {
  /** Reads INIT, the first that the kernel says; `start` answers it. Not with `agreed`. */
  negotiate(): void;
  agreed(): Agreed;
  /** Of the threads; they stay the session's. */
  descriptors(): number[];
  /** With `agreed`, what another process had read and not answered comes again. */
  start(): void;
  /** The threads leave; `onEnd` follows. What waits for JavaScript may still be completed. */
  stopReading(): void;
  addImage(image: NativeImage): void;
  /** The file of an image was replaced by one with the same serial; what was not added before is added. */
  renewImage(image: NativeImage): void;
  dropImage(serial: number): void;
  /** Serials of images that `onUpcall` is to bring when a file of theirs is asked for; all that there are. */
  inheritImages(serials: readonly number[]): void;
  /** Serials of images whose contents were read since they were added or renewed; some may be there twice. */
  usedImages(): number[];
  /** `sole`: the environment whose root is the mount's root, for the life of the session. */
  publishRoots(roots: readonly { name: string; environmentSerial: number }[], sole?: number): void;
  publishView(encoded: Buffer): void;
  dropView(environmentSerial: number): void;
  /** Also answers an upcall for an image, which a view brings. */
  completeView(token: number, errno: number): void;
  completeContent(token: number, errno: number, content: Buffer | undefined): void;
  /**
   * Answers a forwarded request: 0 or a positive errno, and what follows the header of the reply. What nobody waits
   * for any more is ignored, here and below.
   */
  answer(token: number, errno: number, body?: Buffer): void;
  /**
   * Answers with what a LOOKUP of `name` in a directory of the view says, which may be changed or not, once its
   * content is made where it has to be; a missing name with a negative entry.
   */
  answerLookup(token: number, lowerParent: bigint, name: string): void;
  /** The view answers, as if nothing lay over it. */
  answerFromView(token: number): void;
  /** The request begins anew, after the tables below have changed; comes to `onRequest` again where it still has to. */
  retry(token: number): void;
  /**
   * READ, WRITE, GETATTR, FALLOCATE and LSEEK of this inode go to the file, whose descriptor is the session's from now
   * on. The table is bounded: what was not used for longest is closed, and its requests come to `onRequest`, which it
   * is marked as changed for. `orphan`: its last link is hidden from the mount.
   */
  setBacking(inode: bigint, fd: number, flags: BackingFlags): void;
  /** The last name of a file went; nothing where it has no backing. */
  setOrphan(inode: bigint): void;
  dropBacking(inode: bigint): void;
  /** Nothing of this inode is answered from the view any more. */
  markChanged(inode: bigint): void;
  clearChanged(inode: bigint): void;
  /** Forgets backings and changed inodes of an environment. */
  dropUpper(environmentSerial: number): void;
  /** `onForget` is called once when the kernel forgets it. */
  watchForget(inode: bigint): void;
  /** Of one that is watched: `onForget` is called soon if the kernel does not know it (any more). */
  probeForget(inode: bigint): void;
  invalidateEntry(parent: bigint, name: string): void;
  invalidateInode(inode: bigint): void;
  /** The kernel looks every name up again; nothing where it cannot (before Linux 6.16). */
  invalidateAllEntries(): void;
  flushInvalidations(): Promise<void>;
  counters(): NativeCounters;
  negotiated(): Record<string, unknown>;
  stop(): Promise<void>;
}

/** The program that holds a mount while its serving process is replaced; undefined where it was not built. */
export function findSupervisor(): string | undefined {
  return findBesideNativeModule('shenv-fs-supervisor');
}

/** Throws ENGINE_UNAVAILABLE naming each place that was tried and why it did not do. */
export function loadNativeAddon(): NativeAddon {
  return loadNativeModule() as NativeAddon;
}
