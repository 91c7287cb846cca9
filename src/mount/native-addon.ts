import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { ShenvError } from '../base/errors.js';
import { packageFile } from '../base/package-files.js';
import type { FileStamp } from '../image/read.js';

/** What native/src/addon.cpp exports; docs/fuse-ops.md tells how it answers the kernel. */
export interface NativeAddon {
  /** Mounts read-only, as root with mount(2), else through fusermount3. Throws an Error with a `code`. */
  mountFuse(
    mountpoint: string,
    options: { allowOther: boolean; fsname: string; subtype: string },
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
  onUpcall(upcall: Upcall): void;
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
  invalidateEntry(parent: bigint, name: string): void;
  invalidateInode(inode: bigint): void;
  /** The kernel looks every name up again; nothing where it cannot (before Linux 6.16). */
  invalidateAllEntries(): void;
  flushInvalidations(): Promise<void>;
  counters(): NativeCounters;
  negotiated(): Record<string, unknown>;
  stop(): Promise<void>;
}

const require = createRequire(import.meta.url);

/** Where the addon may lie: another build of it (one with sanitizers), built here, or carried by the npm package. */
const places = [
  ...(process.env.SHENV_NATIVE_ADDON ? [process.env.SHENV_NATIVE_ADDON] : []),
  'native/build/shenv_fs.node',
  `prebuilds/${process.platform}-${process.arch}/shenv_fs.node`,
];

/** The program that holds a mount while its serving process is replaced; undefined where it was not built. */
export function findSupervisor(): string | undefined {
  return places
    .map((place) => join(dirname(isAbsolute(place) ? place : packageFile(place)), 'shenv-fs-supervisor'))
    .find((path) => existsSync(path));
}

/** Throws ENGINE_UNAVAILABLE naming each place that was tried and why it did not do. */
export function loadNativeAddon(): NativeAddon {
  const tried: string[] = [];
  for (const place of places) {
    const path = isAbsolute(place) ? place : packageFile(place);
    try {
      return require(path) as NativeAddon;
    } catch (error) {
      tried.push(`${place}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new ShenvError('ENGINE_UNAVAILABLE', `The native engine cannot be loaded (${tried.join('; ')})`, {
    hint: 'Build it with `make -C native` (needs the system packages make and g++), or use --engine fuse-native.',
  });
}
