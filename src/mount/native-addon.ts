import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { ShenvError } from '../base/errors.js';
import { packageFile } from '../base/package-files.js';

/** What native/src/addon.cpp exports; docs/fuse-ops.md tells how it answers the kernel. */
export interface NativeAddon {
  /** Mounts read-only, as root with mount(2), else through fusermount3. Throws an Error with a `code`. */
  mountFuse(
    mountpoint: string,
    options: { allowOther: boolean; fsname: string; subtype: string },
  ): { fd: number; via: 'mount' | 'fusermount3' };
  openSession(options: SessionOptions): NativeSession;
}

/** A request that cannot be answered before JavaScript has composed a view, found one that brings an image, or made a file. */
export type Upcall =
  | { token: number; kind: 'view'; environmentSerial: number }
  | { token: number; kind: 'image'; imageSerial: number }
  | { token: number; kind: 'content'; inode: bigint };

export interface SessionOptions {
  fd: number;
  threads: number;
  uid: number;
  gid: number;
  fullBlocks: boolean;
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
}

export interface NativeImage extends NativeImagePlace {
  /** Value of `user.shenv.origin` of its files. */
  origin: string;
  /** The wheel's image, for an image of bytecode. */
  base?: NativeImagePlace;
}

export interface NativeCounters {
  opcodes: Record<string, { requests: number; errors: number }>;
  [name: string]: unknown;
}

/** One mounted session: native threads answer the kernel from what was published here. */
export interface NativeSession {
  start(): void;
  addImage(image: NativeImage): void;
  /** The file of an image was replaced by one with the same serial; what was not added before is added. */
  renewImage(image: NativeImage): void;
  dropImage(serial: number): void;
  /** `sole`: the environment whose root is the mount's root, for the life of the session. */
  publishRoots(roots: readonly { name: string; environmentSerial: number }[], sole?: number): void;
  publishView(encoded: Buffer): void;
  dropView(environmentSerial: number): void;
  /** Also answers an upcall for an image, which a view brings. */
  completeView(token: number, errno: number): void;
  completeContent(token: number, errno: number, content: Buffer | undefined): void;
  invalidateEntry(parent: bigint, name: string): void;
  invalidateInode(inode: bigint): void;
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
