import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { unless } from '../base/errors.js';
import { controlSerial } from '../view/inode.js';
import type { NativeImage } from './native-addon.js';

/** A generation of an environment that a mount shows under a name. */
export interface ShownGeneration {
  name: string;
  environmentSerial: number;
  generation: number;
}

/** What a serving process left behind that the kernel may remember. */
export interface Inherited {
  /** By name, the oldest first; more than one where it died while it replaced one. */
  generations: ReadonlyMap<string, readonly ShownGeneration[]>;
  /** Serials of environments that were composed; the kernel knows nothing of the others. */
  loaded: ReadonlySet<number>;
  images: readonly NativeImage[];
  /** It could not leave anything: the kernel may remember whatever it likes. */
  isUnknown: boolean;
  /** Its place is free for another mount; it serves those who still use it. */
  isRetired: boolean;
}

type Line =
  | { shows: ShownGeneration }
  | { gone: string }
  | { settled: true }
  | { retired: true }
  | { opened: readonly NativeImage[] }
  | { expired: readonly string[] }
  | { loaded: number; images: readonly NativeImage[] };

/** It is written anew when it has grown by more than that, and to twice of what it then held. */
const largestGrowthBytes = 8 << 20;

/**
 * Tells a later serving process of the same mount what this one has shown the kernel: lines of JSON, each written
 * before the kernel sees what it tells. Nothing is synced: when the host goes down, so does the mount.
 */
export class ShownJournal {
  readonly #path: string;
  readonly #generations = new Map<string, (ShownGeneration | undefined)[]>();
  readonly #loaded = new Set<number>();
  readonly #images = new Map<string, NativeImage>();
  #isRetired = false;
  #file: number | undefined;
  #bytes = 0;
  /** When it was written anew. */
  #wholeBytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads what the process before this one left, and begins anew with it. */
  async inherit(): Promise<Inherited> {
    const text = await unless('ENOENT', readFile(this.#path, 'utf8'));
    // The last line may be torn.
    for (const line of (text ?? '').split('\n').slice(0, -1)) this.#apply(JSON.parse(line) as Line);
    this.#rewrite();
    const generations = new Map<string, readonly ShownGeneration[]>();
    for (const [name, list] of this.#generations) {
      generations.set(
        name,
        list.filter((item) => item !== undefined),
      );
    }
    return {
      generations,
      loaded: new Set(this.#loaded),
      images: [...this.#images.values()],
      isUnknown: text === undefined,
      isRetired: this.#isRetired,
    };
  }

  /** For a mount that nobody served before. */
  begin(): void {
    this.#rewrite();
  }

  /** To be called before the kernel can see any of it. */
  change(shows: readonly ShownGeneration[], gone: readonly string[]): void {
    const lines: Line[] = [
      ...shows.map((item) => ({ shows: item })),
      ...gone.map((name) => ({ gone: name })),
    ];
    this.#append(lines);
  }

  /** The kernel has forgotten what was shown before the last change. */
  settle(): void {
    if (![...this.#generations.values()].some((list) => list.length > 1 || list[0] === undefined)) return;
    this.#append([{ settled: true }]);
    if (this.#bytes > Math.max(largestGrowthBytes + this.#wholeBytes, 2 * this.#wholeBytes)) this.#rewrite();
  }

  /** The place of the mount is given up, but those who still use it are served. */
  retire(): void {
    this.#append([{ retired: true }]);
  }

  /** Takes the file away: the mount has ended. */
  end(): void {
    this.#lose();
  }

  /** An environment is about to be published with these images; they are told until they expire. */
  load(environmentSerial: number, images: readonly NativeImage[]): void {
    const added = images.filter((image) => this.#images.get(image.path)?.serial !== image.serial);
    if (added.length === 0 && this.#loaded.has(environmentSerial)) return;
    this.#append([{ loaded: environmentSerial, images: added }]);
  }

  /** Files of the images at `paths` are served no longer. */
  expire(paths: readonly string[]): void {
    this.#append([{ expired: paths }]);
  }

  #append(lines: readonly Line[]): void {
    for (const line of lines) this.#apply(line);
    if (lines.length > 0) this.#write(lines);
  }

  #apply(line: Line): void {
    if ('shows' in line) this.#push(line.shows.name, line.shows);
    else if ('gone' in line) this.#push(line.gone, undefined);
    else if ('loaded' in line) {
      this.#loaded.add(line.loaded);
      this.#keep(line.images);
    } else if ('opened' in line) this.#keep(line.opened);
    else if ('expired' in line) for (const path of line.expired) this.#images.delete(path);
    else if ('retired' in line) this.#isRetired = true;
    else this.#collapse();
  }

  #keep(images: readonly NativeImage[]): void {
    for (const image of images) this.#images.set(image.path, image);
  }

  #push(name: string, item: ShownGeneration | undefined): void {
    this.#generations.set(name, [...(this.#generations.get(name) ?? []), item]);
  }

  #collapse(): void {
    for (const [name, list] of this.#generations) {
      const last = list.at(-1);
      if (last === undefined) this.#generations.delete(name);
      else if (list.length > 1) this.#generations.set(name, [last]);
    }
    const serials = new Set([...this.#generations.values()].map(([last]) => last!.environmentSerial));
    serials.add(controlSerial);
    for (const serial of this.#loaded) if (!serials.has(serial)) this.#loaded.delete(serial);
  }

  #rewrite(): void {
    const next = `${this.#path}.new`;
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#bytes = 0;
    try {
      this.#file = openSync(next, 'w', 0o600);
      this.#writeAll(this.#file, this.#allLines());
      this.#wholeBytes = this.#bytes;
      renameSync(next, this.#path);
    } catch {
      this.#lose();
    }
  }

  #allLines(): Line[] {
    const retired: Line[] = this.#isRetired ? [{ retired: true }] : [];
    return [...this.#shownLines(), ...this.#loadedLines(), ...retired];
  }

  #shownLines(): Line[] {
    return [...this.#generations].flatMap(([name, list]) =>
      list.map((item): Line => (item === undefined ? { gone: name } : { shows: item })),
    );
  }

  #loadedLines(): Line[] {
    const loaded = [...this.#loaded].map((serial): Line => ({ loaded: serial, images: [] }));
    return [{ opened: [...this.#images.values()] }, ...loaded];
  }

  #write(lines: readonly Line[]): void {
    if (this.#file === undefined) return;
    try {
      this.#writeAll(this.#file, lines);
    } catch {
      this.#lose();
    }
  }

  /** In one call, so that a process that is killed leaves whole lines. */
  #writeAll(file: number, lines: readonly Line[]): void {
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    this.#bytes += bytes.length;
  }

  /** There is no room for it: a journal that says less than is true would be worse than none. */
  #lose(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    for (const path of [this.#path, `${this.#path}.new`]) rmSync(path, { force: true });
  }
}
