import { availableParallelism, constants } from 'node:os';
import { errno } from '../base/errno.js';
import { ShenvError, systemErrorCode } from '../base/errors.js';
import type { Image } from '../image/read.js';
import { diffViews } from '../view/diff.js';
import { encodeView } from '../view/encode.js';
import { environmentOf, fileInode, rootInode } from '../view/inode.js';
import { imageOrigin } from '../view/locate.js';
import type { GeneratedEntry, View, ViewDirectory, ViewLayer } from '../view/tree.js';
import { type Engine, type EngineOptions, type EngineStatus, isRenewed, type Publication } from './engine.js';
import { unmountPath } from './mountpoint.js';
import {
  loadNativeAddon,
  type NativeImage,
  type NativeImagePlace,
  type NativeSession,
  type Upcall,
} from './native-addon.js';

/** One for each CPU up to here, where each request wakes all of them; measured with bench/trials/threads.ts. */
const mostThreads = 4;
const maxImageDescriptors = 512;
const generatedCacheBytes = 64 << 20;

type Replacement = Publication['replaced'][number];

interface PublishedView {
  view: View;
  generated: ReadonlyMap<bigint, GeneratedEntry>;
}

/** The default engine on Linux: native threads answer the kernel, JavaScript composes what they serve. */
export class KernelEngine implements Engine {
  readonly name = 'kernel';
  readonly #options: EngineOptions;
  readonly #published = new Map<number, PublishedView>();
  /** What the session has, by the path of its file. */
  readonly #images = new Map<string, NativeImage>();
  #roots = new Map<string, number>();
  /** Serial of the environment whose root is the mount's; known from the first listing on. */
  #sole: number | undefined;
  #session: NativeSession | undefined;
  #via = '';
  #upcallFailures = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  async mount(): Promise<void> {
    const addon = loadNativeAddon();
    const { mountpoint, allowOther } = this.#options;
    const { fd, via } = callMount(() =>
      addon.mountFuse(mountpoint, { allowOther, fsname: 'shenv-fs', subtype: 'shenv-fs' }),
    );
    this.#via = via;
    this.#session = addon.openSession({
      fd,
      threads: this.#options.threads ?? Math.min(availableParallelism(), mostThreads),
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      fullBlocks: this.#options.fullBlocks,
      maxImageDescriptors,
      generatedCacheBytes,
      onUpcall: (upcall) => void this.#answerUpcall(upcall),
      onEnd: () => void this.#ended(),
    });
    this.#publishRoots();
    this.#session.start();
  }

  async publish({ rootsChanged, replaced, renewed }: Publication): Promise<void> {
    const session = this.#session!;
    this.#renewImages(renewed);
    for (const { before, after } of replaced) {
      if (!this.#published.has(before.environmentSerial)) continue;
      if (after?.environmentSerial === before.environmentSerial) this.#replaceView(before, after);
      else this.#dropView(before);
    }
    if (renewed.size > 0) for (const replacement of replaced) this.#forgetContents(replacement, renewed);
    if (rootsChanged) this.#publishRoots();
    await session.flushInvalidations();
  }

  async unmount(lazy: boolean): Promise<void> {
    await unmountPath(this.#options.mountpoint, lazy);
  }

  status(): EngineStatus {
    const { opcodes, ...details } = this.#session!.counters();
    const counts = Object.entries(opcodes).filter(([, { requests }]) => requests > 0);
    return {
      name: this.name,
      requests: Object.fromEntries(counts.map(([opcode, { requests }]) => [opcode, requests])),
      negotiated: { ...this.#session!.negotiated(), mountedVia: this.#via },
      details: { ...details, upcallFailures: this.#upcallFailures },
    };
  }

  async #ended(): Promise<void> {
    await this.#session!.stop();
    this.#options.onEnd();
  }

  /** Swaps the listing of the root; the kernel forgets the names that came, went or changed their meaning. */
  #publishRoots(): void {
    const session = this.#session!;
    const list = this.#options.source.list();
    if (this.#options.environment !== undefined) {
      this.#sole ??= list[0]!.environmentSerial;
      session.publishRoots(list, this.#sole);
      return;
    }
    const before = this.#roots;
    this.#roots = new Map(list.map(({ name, environmentSerial }) => [name, environmentSerial]));
    session.publishRoots(list);
    for (const name of new Set([...before.keys(), ...this.#roots.keys()])) {
      if (before.get(name) !== this.#roots.get(name)) session.invalidateEntry(rootInode, name);
    }
    session.invalidateInode(rootInode);
  }

  #publishView(view: View): void {
    const session = this.#session!;
    for (const { image } of view.layers) this.#addImage(image);
    session.publishView(encodeView(view));
    this.#published.set(view.environmentSerial, { view, generated: collectGenerated(view.root) });
  }

  #addImage(image: ViewLayer['image']): void {
    const base = image.base && placeOf(image.base);
    const { serial, path } = image;
    const native = { ...placeOf(image), origin: imageOrigin(image), ...(base ? { base } : {}) };
    const known = this.#images.get(path);
    if (known && known.serial !== serial) this.#session!.dropImage(known.serial);
    if (known && known.base?.serial !== base?.serial) this.#session!.renewImage(native);
    else this.#session!.addImage(native);
    this.#images.set(path, native);
  }

  /** Files that were replaced are opened anew; one that has another serial now is added when a view shows it. */
  #renewImages(renewed: ReadonlySet<string>): void {
    for (const [path, native] of [...this.#images]) {
      if (!isRenewed(native, renewed)) continue;
      try {
        this.#session!.renewImage(native);
      } catch {
        this.#session!.dropImage(native.serial);
        this.#images.delete(path);
      }
    }
  }

  /** The kernel forgets the pages of files that were replaced and, where their numbers are others now, their names. */
  #forgetContents({ name, before, after }: Replacement, renewed: ReadonlySet<string>): void {
    if (!after) return;
    const session = this.#session!;
    const serials = new Set(before.layers.flatMap(({ image }) => [image.serial, image.base?.serial]));
    let isRenumbered = false;
    for (const { image } of after.layers.filter((layer) => isRenewed(layer.image, renewed))) {
      isRenumbered ||= !serials.has(image.serial) || !serials.has(image.base?.serial);
      for (let node = 0; node < image.nodeCount; node += 1) {
        if (image.isDirectory(node)) continue;
        const identity = image.identityOf(node);
        session.invalidateInode(fileInode(identity.serial, identity.node));
      }
    }
    if (!isRenumbered) return;
    const names = this.#options.environment === undefined ? [name] : [...after.root.entries.keys()];
    const parent = this.#options.environment === undefined ? rootInode : after.root.inode;
    for (const entry of names) session.invalidateEntry(parent, entry);
  }

  /** Of a folder the kernel forgets the name; a root has none, so it forgets all that is in it. */
  #dropView({ environmentSerial, root }: View): void {
    this.#published.delete(environmentSerial);
    this.#session!.dropView(environmentSerial);
    if (this.#options.environment === undefined) return;
    for (const name of root.entries.keys()) this.#session!.invalidateEntry(root.inode, name);
    this.#session!.invalidateInode(root.inode);
  }

  #replaceView(before: View, after: View): void {
    this.#publishView(after);
    const { entries, inodes } = diffViews(before, after);
    for (const { parent, name } of entries) this.#session!.invalidateEntry(parent, name);
    for (const inode of inodes) this.#session!.invalidateInode(inode);
  }

  async #answerUpcall(upcall: Upcall): Promise<void> {
    const session = this.#session!;
    try {
      if (upcall.kind === 'content') {
        session.completeContent(upcall.token, 0, await this.#makeContent(upcall.inode));
      } else {
        session.completeView(upcall.token, await this.#loadMissing(upcall));
      }
    } catch (error) {
      this.#upcallFailures += 1;
      const number = systemErrno(error);
      if (upcall.kind === 'content') session.completeContent(upcall.token, number, undefined);
      else session.completeView(upcall.token, number);
    }
  }

  /** Publishes a view on its first use, or when a handle of a file that it brings is; 0 or a positive errno. */
  async #loadMissing(upcall: Exclude<Upcall, { kind: 'content' }>): Promise<number> {
    const { source } = this.#options;
    const isView = upcall.kind === 'view';
    const name = isView
      ? source.nameOf(upcall.environmentSerial)
      : await source.nameBringing(upcall.imageSerial);
    const view = name === undefined ? undefined : await source.load(name);
    if (!view) return isView ? errno.ENOENT : errno.ESTALE;
    if (!this.#published.has(view.environmentSerial)) this.#publishView(view);
    return 0;
  }

  async #makeContent(inode: bigint): Promise<Buffer> {
    const published = this.#published.get(environmentOf(inode));
    const entry = published?.generated.get(inode);
    if (published && entry) return this.#options.renderer.render(published.view, entry, true);
    throw Object.assign(new Error(`no generated file has inode ${inode}`), { code: 'ENOENT' });
  }
}

function placeOf({ serial, path, trust }: Image): NativeImagePlace {
  return { serial, path, ...(trust === undefined ? {} : { storeOwner: trust.owner }) };
}

function collectGenerated(
  directory: ViewDirectory,
  found = new Map<bigint, GeneratedEntry>(),
): Map<bigint, GeneratedEntry> {
  for (const entry of directory.entries.values()) {
    if (entry.kind === 'directory') collectGenerated(entry, found);
    else if (entry.kind === 'generated') found.set(entry.inode, entry);
  }
  return found;
}

function systemErrno(error: unknown): number {
  const code = systemErrorCode(error);
  const known: Readonly<Record<string, number>> = constants.errno;
  return (code !== undefined && known[code]) || errno.EIO;
}

function callMount<T>(mount: () => T): T {
  try {
    return mount();
  } catch (cause) {
    throw new ShenvError('MOUNT_FAILED', `Mounting failed: ${(cause as Error).message}`, {
      hint: 'Check that /dev/fuse exists and that fusermount3 is installed (package fuse3).',
      cause,
    });
  }
}
