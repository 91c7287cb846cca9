import { errno } from '../base/errno.js';
import { ShenvError } from '../base/errors.js';
import { modes } from '../image/format.js';
import { attributesOf, isDirectory, listEntries, locate, originOf, sortByName } from '../view/locate.js';
import type { View, ViewEntry } from '../view/tree.js';
import type { Engine, EngineOptions, EngineStatus, Publication } from './engine.js';
import { type Callback, loadFuseNative, type Operations } from './fuse-native-package.js';
import { isMounted, unmountPath } from './mountpoint.js';

type ReadArguments = [
  path: string,
  descriptor: number,
  target: Buffer,
  length: number,
  position: number,
  callback: Callback,
];

interface Stat {
  mode: number;
  size: number;
  blocks: number;
  nlink: number;
  uid: number;
  gid: number;
  mtime: number;
  atime: number;
  ctime: number;
}

/** A positive errno as a value; becomes negative where it leaves for the wire. */
class Refusal {
  readonly errno: number;
  constructor(number: number) {
    this.errno = number;
  }
}

/** Names of a folder with what `d_type` is made of. */
interface Listing {
  names: string[];
  modes: { mode: number }[];
}

const originAttribute = 'user.shenv.origin';
/** libfuse's default validity of entries and attributes; after it no process sees an old state. */
const cacheTimeoutMs = 1000;
const watchIntervalMs = 1000;
const blockBytes = 512;
const maxNameBytes = 255;

/** The portable engine: the npm package fuse-native (libfuse 2), each call through JavaScript. */
export class FuseNativeEngine implements Engine {
  readonly name = 'fuse-native';
  readonly #options: EngineOptions;
  readonly #requests: Record<string, number> = {};
  readonly #owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  readonly #startedMs = Date.now();
  #watch: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  async mount(): Promise<void> {
    const Fuse = await loadFuseNative();
    const { mountpoint, allowOther } = this.#options;
    const fuse = new Fuse(mountpoint, this.#operations(), {
      // The package knows no name for these options, but hands this one on as it is.
      fsname: 'shenv-fs,ro,nosuid,nodev',
      subtype: 'shenv-fs',
      defaultPermissions: true,
      allowOther,
      timeout: false,
    });
    await new Promise<void>((resolve, reject) => {
      fuse.mount((error) => (error ? reject(mountFailed(mountpoint, error)) : resolve()));
    });
    this.#watch = setInterval(() => void this.#checkMounted(), watchIntervalMs);
  }

  async publish(publication: Publication): Promise<void> {
    if (!publication.rootsChanged && publication.replaced.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, cacheTimeoutMs));
  }

  async unmount(lazy: boolean): Promise<void> {
    clearInterval(this.#watch);
    await unmountPath(this.#options.mountpoint, lazy);
    this.#options.onEnd();
  }

  status(): EngineStatus {
    return {
      name: this.name,
      requests: { ...this.#requests },
      errors: {},
      negotiated: {},
      details: { failures: this.#failures, cacheTimeoutMs },
    };
  }

  async #checkMounted(): Promise<void> {
    if (await isMounted(this.#options.mountpoint)) return;
    clearInterval(this.#watch);
    this.#options.onEnd();
  }

  #operations(): Operations {
    const refuse = (...args: unknown[]) => (args.at(-1) as Callback)(-errno.EROFS);
    const mutations = [
      'truncate',
      'ftruncate',
      'utimens',
      'chown',
      'chmod',
      'mknod',
      'setxattr',
      'removexattr',
    ];
    const changes = ['write', 'create', 'unlink', 'rename', 'link', 'symlink', 'mkdir', 'rmdir'];
    return {
      ...Object.fromEntries([...mutations, ...changes].map((name) => [name, refuse])),
      getattr: this.#answer('getattr', (path: string) => this.#getattr(path)),
      readdir: this.#answer(
        'readdir',
        (path: string) => this.#readdir(path),
        (listing) => [listing.names, listing.modes],
      ),
      readlink: this.#answer('readlink', (path: string) => this.#readlink(path)),
      open: this.#answer('open', async () => 0),
      read: (...args) => this.#read(...(args as ReadArguments)),
      getxattr: this.#answer('getxattr', (path: string, name: string) => this.#getxattr(path, name)),
      listxattr: this.#answer('listxattr', (path: string) => this.#listxattr(path)),
      statfs: this.#answer('statfs', async () => ({ bsize: 4096, frsize: 4096, namemax: maxNameBytes })),
    };
  }

  /** One operation as fuse-native calls it: a Refusal or a failure becomes a negative errno. */
  #answer<A extends unknown[], T>(
    name: string,
    operation: (...args: A) => Promise<T | Refusal>,
    values: (result: T) => unknown[] = (result) => [result],
  ) {
    return (...args: unknown[]) => {
      const callback = args.at(-1) as Callback;
      this.#count(name);
      operation(...(args.slice(0, -1) as A)).then(
        (value) => (value instanceof Refusal ? callback(-value.errno) : callback(0, ...values(value))),
        () => callback(-this.#failed()),
      );
    };
  }

  #read(...[path, , target, length, position, callback]: ReadArguments): void {
    this.#count('read');
    this.#readAt(path, position, length).then(
      (data) => (data instanceof Refusal ? callback(-data.errno) : callback(data.copy(target))),
      () => callback(-this.#failed()),
    );
  }

  #count(name: string): void {
    this.#requests[name] = (this.#requests[name] ?? 0) + 1;
  }

  #failed(): number {
    this.#failures += 1;
    return errno.EIO;
  }

  /** The entry at an absolute path below the mount's root; undefined for a root that is no environment's. */
  async #find(path: string): Promise<{ view: View; entry: ViewEntry } | Refusal | undefined> {
    const { environment } = this.#options;
    const parts = path.split('/').filter((part) => part !== '');
    const [name, ...rest] = environment === undefined ? parts : [environment, ...parts];
    if (name === undefined) return undefined;
    if (Buffer.byteLength(rest.at(-1) ?? name) > maxNameBytes) return new Refusal(errno.ENAMETOOLONG);
    const view = await this.#options.source.load(name);
    // What lies over it cannot be shown by paths alone.
    if (view?.isOwn) return new Refusal(errno.EOPNOTSUPP);
    const entry = view && locate(view, rest.join('/'));
    return view && entry ? { view, entry } : new Refusal(errno.ENOENT);
  }

  async #getattr(path: string): Promise<Stat | Refusal> {
    const found = await this.#find(path);
    if (found instanceof Refusal) return found;
    if (found === undefined) return this.#stat(modes.directory, 0, this.#startedMs);
    const { mode, sizeBytes, mtimeNs } = attributesOf(found.view, found.entry);
    const size = sizeBytes ?? (await this.#generated(found.view, found.entry, true)).length;
    const timeMs = isVolatile(found.entry) ? Date.now() : Number(mtimeNs / 1_000_000n);
    return this.#stat(mode, size, timeMs);
  }

  #stat(mode: number, size: number, timeMs: number): Stat {
    const regular = (mode & 0o170000) === 0o100000;
    const full = this.#options.fullBlocks ? Math.ceil(size / blockBytes) : Math.min(size, 1);
    const blocks = regular ? full : 0;
    return { mode, size, blocks, nlink: 1, ...this.#owner, mtime: timeMs, atime: timeMs, ctime: timeMs };
  }

  async #readdir(path: string): Promise<Listing | Refusal> {
    const found = await this.#find(path);
    if (found instanceof Refusal) return found;
    if (found === undefined) {
      const roots = this.#options.source.list().map(({ name }): [string, number] => [name, modes.directory]);
      return toListing(sortByName(roots));
    }
    const { view, entry } = found;
    const entries = listEntries(view, entry);
    if (!entries) return new Refusal(errno.ENOTDIR);
    return toListing(entries.map(([name, child]) => [name, attributesOf(view, child).mode]));
  }

  async #readlink(path: string): Promise<string | Refusal> {
    const found = await this.#find(path);
    if (found instanceof Refusal) return found;
    return found?.entry.kind === 'link' ? found.entry.target : new Refusal(errno.EINVAL);
  }

  async #readAt(path: string, position: number, length: number): Promise<Buffer | Refusal> {
    const found = await this.#find(path);
    if (found instanceof Refusal) return found;
    if (found === undefined || isDirectory(found.entry)) return new Refusal(errno.EISDIR);
    const { view, entry } = found;
    if (entry.kind === 'file') {
      const { image } = view.layers[entry.layer]!;
      return this.#options.renderer.contents.read(image, entry.node, position, length);
    }
    return (await this.#generated(view, entry)).subarray(position, position + length);
  }

  async #getxattr(path: string, name: string): Promise<Buffer | Refusal> {
    const found = await this.#find(path);
    if (found instanceof Refusal) return found;
    const origin = name === originAttribute && found ? originOf(found.view, found.entry) : undefined;
    return origin === undefined ? new Refusal(errno.ENODATA) : Buffer.from(origin);
  }

  async #listxattr(path: string): Promise<Buffer | Refusal> {
    const found = await this.#find(path);
    if (found instanceof Refusal) return found;
    const hasOrigin = found && originOf(found.view, found.entry) !== undefined;
    return Buffer.from(hasOrigin ? `${originAttribute}\0` : '');
  }

  async #generated(view: View, entry: ViewEntry, fresh = false): Promise<Buffer> {
    if (entry.kind !== 'generated') throw new Error(`a ${entry.kind} has no generated content`);
    return this.#options.renderer.render(view, entry, fresh);
  }
}

function toListing(entries: readonly [string, number][]): Listing {
  const all = [['.', modes.directory] as const, ['..', modes.directory] as const, ...entries];
  return { names: all.map(([name]) => name), modes: all.map(([, mode]) => ({ mode })) };
}

function isVolatile(entry: ViewEntry): boolean {
  return entry.kind === 'generated' && entry.content.type === 'volatile';
}

function mountFailed(mountpoint: string, cause: Error): ShenvError {
  return new ShenvError(
    'MOUNT_FAILED',
    `Mounting at ${mountpoint} with fuse-native failed: ${cause.message}`,
    {
      hint: 'Check that /dev/fuse exists, that fusermount3 is installed and that nothing is mounted there.',
      path: mountpoint,
      cause,
    },
  );
}
