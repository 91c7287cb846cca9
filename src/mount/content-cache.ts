import type { Image } from '../image/read.js';
import { type Copy, CopyFolder } from '../store/copies/copy-folder.js';

export interface ContentCacheOptions {
  folder: string;
  limitBytes: number;
}

/** What reads contents of images, and can read them from copies. */
export interface CopyReader {
  /** Images whose contents were read, as the store has them. */
  usedImages(): Image[];
  /** Reads the contents of an image from `copy` from now on; from its own file again where that is undefined. */
  readFrom(image: Image, copy: Copy | undefined): void;
}

const lookEveryMs = 250;
const checkEveryMs = 60_000;
/** Two at once keep a shared file system busy without taking it from who waits for a read. */
const mostCopying = 2;

/** Copies images to a disk of this host after their first use, and has them read from there: docs/cluster.md. */
export class ContentCache {
  readonly #folder: CopyFolder;
  readonly #reader: CopyReader;
  /** Images that are read from copies, and those that cannot be for now, by path. */
  readonly #copied = new Map<string, Image>();
  readonly #refused = new Map<string, number>();
  /** By path, too: one that is replaced meanwhile goes. */
  readonly #copying = new Map<string, Image>();
  readonly #timer: NodeJS.Timeout;
  #checkedMs = Date.now();
  #isLooking = false;
  #bytes = 0;

  private constructor(folder: CopyFolder, reader: CopyReader) {
    this.#folder = folder;
    this.#reader = reader;
    this.#timer = setInterval(() => void this.#look(), lookEveryMs);
    this.#timer.unref();
  }

  /** Throws STORE_UNUSABLE for a folder that others may write. */
  static async open({ folder, limitBytes }: ContentCacheOptions, reader: CopyReader): Promise<ContentCache> {
    return new ContentCache(await CopyFolder.open(folder, limitBytes), reader);
  }

  status(): { images: number; bytes: number; copying: number } {
    return { images: this.#copied.size, bytes: this.#bytes, copying: this.#copying.size };
  }

  /** Images of a view that is about to be shown: those that have copies known to be sound are read from there from the beginning. */
  async adopt(images: readonly Image[]): Promise<void> {
    await Promise.all(images.map((image) => this.#adopt(image).catch(() => undefined)));
  }

  /** The files at `paths` were replaced: what was copied of them is of no use. */
  forget(paths: ReadonlySet<string>): void {
    for (const path of paths) {
      this.#bytes -= this.#copied.get(path)?.header.fileBytes ?? 0;
      this.#copied.delete(path);
      this.#refused.delete(path);
      this.#copying.delete(path);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#folder.close();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      if (Date.now() - this.#checkedMs > checkEveryMs) await this.#check();
      for (const image of this.#reader.usedImages()) {
        if (this.#copying.size >= mostCopying) break;
        if (this.#isWanted(image)) void this.#copy(image);
      }
    } catch {
      // The session has ended, or the disk fails: what is there is read on, and the next look tries again.
    } finally {
      this.#isLooking = false;
    }
  }

  #isWanted({ path }: Image): boolean {
    const isRefused = (this.#refused.get(path) ?? 0) > Date.now();
    return !isRefused && !this.#copied.has(path) && !this.#copying.has(path);
  }

  async #adopt(image: Image): Promise<void> {
    if (this.#copied.has(image.path)) return;
    const copy = await this.#folder.find(image, true).catch(() => undefined);
    if (copy !== undefined) this.#use(image, copy);
  }

  async #copy(image: Image): Promise<void> {
    const { path } = image;
    this.#copying.set(path, image);
    const isWanted = () => this.#copying.get(path) === image;
    try {
      const known = await this.#folder.find(image).catch(() => undefined);
      const copy = known ?? (await this.#folder.copy(image));
      if (!isWanted()) return;
      if (copy !== undefined) this.#use(image, copy);
      else this.#refused.set(path, Date.now() + lookEveryMs * 4);
    } catch {
      // The disk is full, or the image is being replaced: it is read from the store.
      if (isWanted()) this.#refused.set(path, Date.now() + checkEveryMs);
    } finally {
      if (isWanted()) this.#copying.delete(path);
    }
  }

  #use(image: Image, copy: Copy): void {
    this.#reader.readFrom(image, copy);
    if (!this.#copied.has(image.path)) this.#bytes += image.header.fileBytes;
    this.#copied.set(image.path, image);
  }

  /** What somebody has changed on the disk is not read any longer. */
  async #check(): Promise<void> {
    this.#checkedMs = Date.now();
    await this.#folder.stay().catch(() => undefined);
    for (const [path, image] of this.#copied) {
      if (await this.#folder.isUnchanged(image).catch(() => false)) continue;
      if (this.#copied.get(path) !== image) continue;
      this.#reader.readFrom(image, undefined);
      this.#copied.delete(path);
      this.#bytes -= image.header.fileBytes;
      await this.#folder.discard(image);
    }
  }
}
