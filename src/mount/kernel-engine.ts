import { constants } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { errno } from '../base/errno.js';
import { systemErrorCode } from '../base/errors.js';
import type { Image } from '../image/read.js';
import type { Copy } from '../store/copies/copy-folder.js';
import { controlName } from '../view/control-view.js';
import { diffViews } from '../view/diff.js';
import { encodeView } from '../view/encode.js';
import { controlSerial, environmentOf, rootInode } from '../view/inode.js';
import { imageFileInode } from '../view/locate.js';
import type { GeneratedEntry, View, ViewDirectory } from '../view/tree.js';
import type { ContentCache, CopyReader } from './content-cache.js';
import { type Engine, type EngineOptions, type EngineStatus, isRenewed, type Publication } from './engine.js';
import { InheritedImages } from './inherited-images.js';
import { mountSession, takeSessionOver } from './kernel-session.js';
import { logUpcallFailure } from './log-events.js';
import { unmountPath } from './mountpoint.js';
import type { NativeSession, Upcall } from './native-addon.js';
import { asFile, nativeOf } from './native-places.js';
import { SessionImages } from './session-images.js';

const drainTimeoutMs = 5_000;
const drainPollMs = 5;

type Replacement = Publication['replaced'][number];

interface PublishedView {
  view: View;
  generated: ReadonlyMap<bigint, GeneratedEntry>;
}

/** The default engine on Linux: native threads answer the kernel, JavaScript composes what they serve. */
export class KernelEngine implements Engine, CopyReader {
  readonly name = 'kernel';
  readonly #options: EngineOptions;
  readonly #published = new Map<number, PublishedView>();
  #images: SessionImages | undefined;
  #roots = new Map<string, number>();
  /** Serial of the environment whose root is the mount's. */
  #sole: number | undefined;
  #cache: ContentCache | undefined;
  #session: NativeSession | undefined;
  readonly #inherited: InheritedImages;
  #via = '';
  /** Called when the threads have left because another process takes over. */
  #onLeft: (() => void) | undefined;
  #upcallFailures = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#inherited = new InheritedImages(options.inherited?.images ?? []);
  }

  async mount(): Promise<void> {
    const { supervision, inherited, environment, source } = this.#options;
    const callbacks = {
      onUpcall: (upcall: Upcall) => void this.#answerUpcall(upcall),
      onEnd: () => void this.#ended(),
    };
    const first = environment === undefined ? undefined : source.list()[0]!.environmentSerial;
    const { session, via, sole } = supervision?.held
      ? takeSessionOver(this.#options, callbacks)
      : mountSession(this.#options, callbacks, first);
    this.#session = session;
    this.#images = new SessionImages(session);
    this.#via = via;
    this.#sole = sole;
    session.inheritImages(this.#inherited.serials);
    this.#publishRoots();
    session.start();
    // The listing of the store is made anew with each process.
    if (inherited?.loaded.has(controlSerial)) session.invalidateEntry(rootInode, controlName);
  }

  async publish({ rootsChanged, replaced, forgotten, renewed }: Publication): Promise<void> {
    const session = this.#session!;
    this.#images!.renew(renewed);
    this.#cache?.forget(renewed);
    for (const { before, after } of replaced) {
      if (!this.#mayBeKnown(before.environmentSerial)) continue;
      if (after?.environmentSerial === before.environmentSerial) this.#replaceView(before, after);
      else this.#dropView(before);
    }
    if (renewed.size > 0) for (const replacement of replaced) this.#forgetContents(replacement, renewed);
    if (rootsChanged) this.#publishRoots();
    this.#forget(forgotten);
    await session.flushInvalidations();
  }

  async handOver(): Promise<void> {
    const session = this.#session!;
    await session.flushInvalidations();
    const left = new Promise<void>((resolve) => {
      this.#onLeft = resolve;
    });
    session.stopReading();
    await left;
    const endMs = Date.now() + drainTimeoutMs;
    while (session.counters().waiting > 0 && Date.now() < endMs) await setTimeout(drainPollMs);
  }

  /** Composes what a process before this one had, so that a change can tell what is another's now. */
  async warm(): Promise<void> {
    const { inherited, source } = this.#options;
    for (const serial of inherited?.loaded ?? []) {
      if (serial !== controlSerial) await this.#show(source.nameOf(serial)).catch(() => undefined);
    }
  }

  async unmount(lazy: boolean): Promise<void> {
    await unmountPath(this.#options.mountpoint, lazy);
  }

  status(): EngineStatus {
    const { opcodes, ...details } = this.#session!.counters();
    const counts = Object.entries(opcodes).filter(([, { requests }]) => requests > 0);
    const errors = counts.filter(([, counted]) => counted.errors > 0);
    return {
      name: this.name,
      requests: Object.fromEntries(counts.map(([opcode, { requests }]) => [opcode, requests])),
      errors: Object.fromEntries(errors.map(([opcode, counted]) => [opcode, counted.errors])),
      negotiated: { ...this.#session!.negotiated(), mountedVia: this.#via },
      details: { ...details, upcallFailures: this.#upcallFailures },
    };
  }

  async #ended(): Promise<void> {
    if (this.#onLeft) return this.#onLeft();
    await this.#session!.stop();
    this.#options.onEnd();
  }

  /** Swaps the listing of the root; the kernel forgets the names that came, went or changed their meaning. */
  #publishRoots(): void {
    const session = this.#session!;
    const list = this.#options.source.list();
    if (this.#options.environment !== undefined) {
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
    const { journal } = this.#options;
    journal?.load(
      view.environmentSerial,
      view.layers.map(({ image }) => asFile(nativeOf(image))),
    );
    for (const { image } of view.layers) this.#images!.add(image);
    session.publishView(encodeView(view));
    this.#published.set(view.environmentSerial, { view, generated: collectGenerated(view.root) });
  }

  usedImages(): Image[] {
    const used = new Set(this.#session?.usedImages() ?? []);
    const views = [...this.#published.values()].flatMap(({ view }) => view.layers);
    const images = new Set(views.flatMap(({ image }) => (image.base ? [image, image.base] : [image])));
    return [...images].filter(({ serial }) => used.has(serial));
  }

  readFrom({ path }: Image, copy: Copy | undefined): void {
    this.#images!.readFrom(path, copy);
  }

  useCache(cache: ContentCache): void {
    this.#cache = cache;
  }

  /** The kernel forgets the pages of files that were replaced and, where their numbers are others now, their names. */
  #forgetContents({ name, before, after }: Replacement, renewed: ReadonlySet<string>): void {
    if (!after) return;
    const session = this.#session!;
    const serials = new Set(before.layers.flatMap(({ image }) => [image.serial, image.base?.serial]));
    let isRenumbered = false;
    for (const [layer, { image }] of after.layers.entries()) {
      if (!isRenewed(image, renewed)) continue;
      isRenumbered ||= !serials.has(image.serial) || !serials.has(image.base?.serial);
      for (let node = 0; node < image.nodeCount; node += 1) {
        if (!image.isDirectory(node)) session.invalidateInode(imageFileInode(after, layer, node));
      }
    }
    if (!isRenumbered) return;
    const names = this.#options.environment === undefined ? [name] : [...after.root.entries.keys()];
    const parent = this.#options.environment === undefined ? rootInode : after.root.inode;
    for (const entry of names) session.invalidateEntry(parent, entry);
  }

  /** The kernel may know names of it, from this process or one before. */
  #mayBeKnown(environmentSerial: number): boolean {
    const { inherited } = this.#options;
    return this.#published.has(environmentSerial) || inherited?.loaded.has(environmentSerial) === true;
  }

  /** Nobody can tell which names were other ones: the kernel looks all of them up again. */
  #forget(forgotten: Publication['forgotten']): void {
    if (forgotten.length === 0) return;
    for (const { name } of forgotten) this.#session!.invalidateEntry(rootInode, name);
    this.#session!.invalidateInode(rootInode);
    this.#session!.invalidateAllEntries();
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
      logUpcallFailure(this.#options.log, upcall, error, number);
      if (upcall.kind === 'content') session.completeContent(upcall.token, number, undefined);
      else session.completeView(upcall.token, number);
    }
  }

  /** What is needed to answer; 0 or a positive errno. A handle of a file may come before its view's first use. */
  async #loadMissing(upcall: Exclude<Upcall, { kind: 'content' }>): Promise<number> {
    const { source } = this.#options;
    if (upcall.kind === 'view') {
      return (await this.#show(source.nameOf(upcall.environmentSerial))) ? 0 : errno.ENOENT;
    }
    if (this.#addInherited(upcall.imageSerial)) return 0;
    return (await this.#show(await source.nameBringing(upcall.imageSerial))) ? 0 : errno.ESTALE;
  }

  /** Publishes a view on its first use; false where there is none. */
  async #show(name: string | undefined): Promise<boolean> {
    const view = name === undefined ? undefined : await this.#options.source.load(name);
    if (!view) return false;
    await this.#cache?.adopt(
      view.layers.flatMap(({ image }) => (image.base ? [image, image.base] : [image])),
    );
    if (!this.#published.has(view.environmentSerial)) this.#publishView(view);
    return true;
  }

  /** Whether a process before this one showed the image: files of it may be open that no view brings any more. */
  #addInherited(serial: number): boolean {
    const images = this.#inherited.of(serial);
    for (const image of images) this.#session!.addImage(image);
    return images.length > 0;
  }

  async #makeContent(inode: bigint): Promise<Buffer> {
    const published = this.#published.get(environmentOf(inode));
    const entry = published?.generated.get(inode);
    if (published && entry) return this.#options.renderer.render(published.view, entry, true);
    throw Object.assign(new Error(`no generated file has inode ${inode}`), { code: 'ENOENT' });
  }
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
