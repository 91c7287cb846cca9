import { setTimeout } from 'node:timers/promises';
import { errno } from '../base/errno.js';
import { systemErrorCode } from '../base/errors.js';
import type { Image } from '../image/read.js';
import type { Copy } from '../store/copies/copy-folder.js';
import { errnoOf } from '../upper/file-error.js';
import { controlName } from '../view/control-view.js';
import { encodeView } from '../view/encode.js';
import { controlSerial, environmentInode, environmentOf, rootInode, skeletonSlot } from '../view/inode.js';
import type { View } from '../view/tree.js';
import type { ContentCache, CopyReader } from './content-cache.js';
import type { Engine, EngineOptions, EngineStatus, Publication } from './engine.js';
import { KernelMemory } from './kernel-memory.js';
import { mountSession, takeSessionOver } from './kernel-session.js';
import { logUpcallFailure } from './log-events.js';
import { unmountPath } from './mountpoint.js';
import type { ForwardedRequest, NativeSession, Upcall } from './native-addon.js';
import { asFile, nativeOf } from './native-places.js';
import { filesOf, imagesOf, keepLayers, type PublishedView, publishedView } from './published-view.js';
import { SessionImages } from './session-images.js';
import { WritableRequests } from './writable/requests.js';
import { RootRequests } from './writable/root-requests.js';

const drainTimeoutMs = 5_000;
const drainPollMs = 5;

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
  #kernel: KernelMemory | undefined;
  #requests: WritableRequests | undefined;
  #via = '';
  /** Called when the threads have left because another process takes over. */
  #onLeft: (() => void) | undefined;
  #upcallFailures = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  async mount(): Promise<void> {
    const { supervision, inherited, environment, source, journal } = this.#options;
    const callbacks = {
      onUpcall: (upcall: Upcall) => void this.#answerUpcall(upcall),
      onRequest: (request: ForwardedRequest) => this.#requests!.handle(request),
      onForget: (inode: bigint) => this.#requests!.forget(inode),
      onEnd: () => void this.#ended(),
    };
    const first = environment === undefined ? undefined : source.list()[0]!.environmentSerial;
    const { session, via, sole } = supervision?.held
      ? takeSessionOver(this.#options, callbacks)
      : mountSession(this.#options, callbacks, first);
    this.#session = session;
    this.#kernel = new KernelMemory(session, environment !== undefined);
    this.#images = new SessionImages(session, {
      inherited: inherited?.images ?? [],
      onExpired: (paths) => journal?.expire(paths),
    });
    this.#via = via;
    this.#sole = sole;
    this.#requests = this.#openRequests(session);
    this.#publishRoots();
    session.start();
    // The listing of the store is made anew with each process.
    if (inherited?.loaded.has(controlSerial)) session.invalidateEntry(rootInode, controlName);
  }

  async publish({ rootsChanged, replaced, forgotten, renewed }: Publication): Promise<void> {
    const session = this.#session!;
    this.#images!.renew(renewed);
    this.#cache?.forget(renewed);
    for (const { name, before, after } of replaced) {
      if (!this.#mayBeKnown(before.environmentSerial)) continue;
      if (after?.environmentSerial !== before.environmentSerial) {
        this.#dropView(name, before);
        continue;
      }
      const isSameUpper = this.#publishView(after);
      this.#kernel!.forgetChanges(name, before, after);
      if (!isSameUpper) this.#kernel!.forgetAll([name]);
    }
    if (renewed.size > 0)
      for (const replacement of replaced) this.#kernel!.forgetContents(replacement, renewed);
    if (rootsChanged) this.#publishRoots();
    this.#kernel!.forgetAll(forgotten.map(({ name }) => name));
    await session.flushInvalidations();
  }

  /** What the session leaves to JavaScript in writable environments and in the root. */
  #openRequests(session: NativeSession): WritableRequests {
    const { source, roots, environment, log } = this.#options;
    const soleRoot = this.#sole === undefined ? undefined : environmentInode(this.#sole, skeletonSlot, 0);
    return new WritableRequests({
      session,
      environmentOf: (serial) => source.upperOf(serial),
      roots: environment === undefined && roots ? new RootRequests(session, roots, log) : undefined,
      nodeIdOf: (inode) => (inode === soleRoot ? rootInode : inode),
      inodeOf: (nodeId) => (nodeId === rootInode && soleRoot !== undefined ? soleRoot : nodeId),
      log,
    });
  }

  inTurn<T>(environmentSerial: number, work: () => T | Promise<T>): Promise<T> {
    return this.#requests!.inTurn(environmentSerial, work);
  }

  settle(): Promise<void> {
    return this.#session!.flushInvalidations();
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
    this.#kernel!.forgetRoots(before, this.#roots);
  }

  /** False where another upper layer lay over it before. */
  #publishView(next: View): boolean {
    const session = this.#session!;
    const before = this.#published.get(next.environmentSerial);
    const view = keepLayers(next, before?.view);
    const { journal } = this.#options;
    journal?.load(
      view.environmentSerial,
      view.layers.map(({ image }) => asFile(nativeOf(image))),
    );
    const images = imagesOf(view);
    this.#images!.add(images);
    const upper = this.#options.source.upperOf(view.environmentSerial);
    const isSameUpper = before?.upper === undefined || before.upper === upper;
    if (!isSameUpper) this.#dropUpper(before);
    upper?.lieOver(view);
    upper?.news.tell(session);
    session.publishView(encodeView(view));
    this.#images!.show(images, this.#unpublish(view.environmentSerial));
    this.#published.set(view.environmentSerial, publishedView(view, upper));
    return isSameUpper;
  }

  #dropUpper({ view, upper }: PublishedView): void {
    upper?.news.retire();
    this.#session!.dropUpper(view.environmentSerial);
  }

  /** What is generated for the view is forgotten, too; the images that it showed. */
  #unpublish(environmentSerial: number): Image[] {
    const before = this.#published.get(environmentSerial);
    this.#published.delete(environmentSerial);
    for (const entry of before?.generated.values() ?? []) this.#options.renderer.forget(entry);
    return before ? imagesOf(before.view) : [];
  }

  usedImages(): Image[] {
    const used = new Set(this.#session?.usedImages() ?? []);
    const images = new Set([...this.#published.values()].flatMap(({ view }) => filesOf(view)));
    return [...images].filter(({ serial }) => used.has(serial));
  }

  readFrom({ path }: Image, copy: Copy | undefined): void {
    this.#images!.readFrom(path, copy);
  }

  useCache(cache: ContentCache): void {
    this.#cache = cache;
  }

  /** The kernel may know names of it, from this process or one before. */
  #mayBeKnown(environmentSerial: number): boolean {
    const { inherited } = this.#options;
    return this.#published.has(environmentSerial) || inherited?.loaded.has(environmentSerial) === true;
  }

  #dropView(name: string, view: View): void {
    const before = this.#published.get(view.environmentSerial);
    this.#session!.dropView(view.environmentSerial);
    if (before) this.#dropUpper(before);
    this.#images!.show([], this.#unpublish(view.environmentSerial));
    this.#kernel!.forgetView(name, view);
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
    // Files of an image may be open that no view brings any more.
    if (this.#images!.recall(upcall.imageSerial)) return 0;
    return (await this.#show(await source.nameBringing(upcall.imageSerial))) ? 0 : errno.ESTALE;
  }

  /** Publishes a view on its first use; false where there is none. */
  async #show(name: string | undefined): Promise<boolean> {
    const { source } = this.#options;
    const found = name === undefined ? undefined : await source.load(name);
    if (!found) return false;
    await this.#cache?.adopt(filesOf(found));
    // Another may have come into its place meanwhile, or none.
    const view = await source.load(name!);
    if (!view) return false;
    if (!this.#published.has(view.environmentSerial)) this.#publishView(view);
    return true;
  }

  async #makeContent(inode: bigint): Promise<Buffer> {
    const published = this.#published.get(environmentOf(inode));
    const entry = published?.generated.get(inode);
    if (!published || !entry)
      throw Object.assign(new Error(`no generated file has inode ${inode}`), { code: 'ENOENT' });
    const { renderer } = this.#options;
    const made = await renderer.render(published.view, entry, true);
    // Its view may have gone meanwhile.
    if (this.#published.get(environmentOf(inode)) !== published) renderer.forget(entry);
    return made;
  }
}

function systemErrno(error: unknown): number {
  // Another mount shows it.
  if (systemErrorCode(error) === 'ENVIRONMENT_BUSY') return errno.EBUSY;
  return errnoOf(error) ?? errno.EIO;
}
