import type { Image } from '../image/read.js';
import type { Copy } from '../store/copies/copy-folder.js';
import { isRenewed } from './engine.js';
import type { NativeImage, NativeSession } from './native-addon.js';
import { asFile, nativeOf, redirected } from './native-places.js';
import { PastImages } from './past-images.js';
import { openFilesMs } from './shown-images.js';

/** So many stay although no view shows them: what is made again soon after it was deleted is not read again. */
const mostUnshown = 128;

interface SessionImagesOptions {
  /** What a process before this one showed. */
  inherited: readonly NativeImage[];
  /** Told paths of images of which no file is brought any more. */
  onExpired: (paths: readonly string[]) => void;
  mostUnshown?: number;
}

/**
 * The images that a native session has, and where it reads them. It has what views show and a few that they showed
 * last; of others it is known for a day where they are, and they are brought again when an open file of theirs is read.
 */
export class SessionImages {
  readonly #session: NativeSession;
  readonly #options: SessionImagesOptions;
  /** By the path of its file. */
  readonly #images = new Map<string, NativeImage>();
  /** By path, how many layers of views show it. */
  readonly #shown = new Map<string, number>();
  /** Paths of those that no view shows; the one that was shown last at the end. */
  readonly #unshown = new Set<string>();
  readonly #past = new PastImages();
  /** What is read from a disk of this host, by the path in the store. */
  readonly #copies = new Map<string, Copy>();

  constructor(session: NativeSession, options: SessionImagesOptions) {
    this.#session = session;
    this.#options = options;
    for (const image of options.inherited) this.#past.add(image, Date.now());
    session.inheritImages(this.#past.serials);
  }

  /** To be called before a view that shows them is published. */
  add(images: Iterable<Image>): void {
    for (const image of images) this.#add(image.path, nativeOf(image));
  }

  #add(path: string, native: NativeImage): void {
    const { serial, base } = native;
    const known = this.#images.get(path);
    if (known && known.serial !== serial) this.#session.dropImage(known.serial);
    const isRebased = known && known.base?.serial !== base?.serial;
    this.#place(native, (placed) =>
      isRebased ? this.#session.renewImage(placed) : this.#session.addImage(placed),
    );
    this.#images.set(path, native);
    this.#past.remove(path);
    if (!this.#shown.has(path)) this.#unshown.add(path);
  }

  /** A view was published that has `images`, in the place of one that had `before`. What was added is kept till then. */
  show(images: Iterable<Image>, before: Iterable<Image>): void {
    for (const { path } of images) {
      this.#shown.set(path, (this.#shown.get(path) ?? 0) + 1);
      this.#unshown.delete(path);
    }
    for (const { path } of before) {
      const others = (this.#shown.get(path) ?? 0) - 1;
      if (others > 0) this.#shown.set(path, others);
      else if (this.#shown.delete(path) && this.#images.has(path)) this.#unshown.add(path);
    }
    this.#dropUnshown();
  }

  /** Whether the image with this serial was shown, and its files can be read again. */
  recall(serial: number): boolean {
    let isThere = false;
    for (const image of this.#past.of(serial)) {
      try {
        this.#add(image.path, image);
        isThere = true;
      } catch {
        // Its file is gone, or another image's now.
      }
    }
    return isThere;
  }

  #dropUnshown(): void {
    const nowMs = Date.now();
    const excess = this.#unshown.size - (this.#options.mostUnshown ?? mostUnshown);
    if (excess <= 0) return;
    const dropped = [...this.#unshown].slice(0, excess).map((path) => this.#images.get(path)!);
    for (const native of dropped) this.#past.add(asFile(native), nowMs);
    const expired = this.#past.expire(nowMs - openFilesMs);
    if (expired.length > 0) this.#options.onExpired(expired);
    // Before they go, so that each request either finds them or asks for them.
    this.#session.inheritImages(this.#past.serials);
    for (const { path, serial } of dropped) {
      this.#session.dropImage(serial);
      this.#forget(path);
    }
  }

  #forget(path: string): void {
    this.#images.delete(path);
    this.#unshown.delete(path);
  }

  /** With its copies, or where one of them is of no use without. */
  #place(native: NativeImage, take: (placed: NativeImage) => void): void {
    const paths = [native.path, native.base?.path ?? native.path];
    const isCopied = paths.some((path) => this.#copies.has(path));
    try {
      take(redirected(native, this.#copies));
    } catch (error) {
      if (!isCopied) throw error;
      for (const path of paths) this.#copies.delete(path);
      take(native);
    }
  }

  /** From the copy, where it is of use; undefined: from the store again. */
  readFrom(path: string, copy: Copy | undefined): void {
    if (copy) this.#copies.set(path, copy);
    else this.#copies.delete(path);
    for (const native of this.#images.values()) {
      if (native.path === path || native.base?.path === path)
        this.#place(native, (placed) => this.#session.renewImage(placed));
    }
  }

  /** Files that were replaced are opened anew; one that has another serial now is added when a view shows it. */
  renew(renewed: ReadonlySet<string>): void {
    for (const path of renewed) this.#copies.delete(path);
    for (const [path, known] of [...this.#images]) {
      if (!isRenewed(known, renewed)) continue;
      const native = asFile(known);
      try {
        this.#session.renewImage(redirected(native, this.#copies));
        this.#images.set(path, native);
      } catch {
        this.#session.dropImage(native.serial);
        this.#forget(path);
      }
    }
  }
}
