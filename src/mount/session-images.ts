import type { Image } from '../image/read.js';
import type { Copy } from '../store/copies/copy-folder.js';
import { isRenewed } from './engine.js';
import type { NativeImage, NativeSession } from './native-addon.js';
import { asFile, nativeOf, redirected } from './native-places.js';

/** The images that a native session has, and where it reads them. */
export class SessionImages {
  readonly #session: NativeSession;
  /** By the path of its file. */
  readonly #images = new Map<string, NativeImage>();
  /** What is read from a disk of this host, by the path in the store. */
  readonly #copies = new Map<string, Copy>();

  constructor(session: NativeSession) {
    this.#session = session;
  }

  add(image: Image): void {
    const { serial, path } = image;
    const native = nativeOf(image);
    const known = this.#images.get(path);
    if (known && known.serial !== serial) this.#session.dropImage(known.serial);
    const isRebased = known && known.base?.serial !== native.base?.serial;
    this.#place(native, (placed) =>
      isRebased ? this.#session.renewImage(placed) : this.#session.addImage(placed),
    );
    this.#images.set(path, native);
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
        this.#images.delete(path);
      }
    }
  }
}
