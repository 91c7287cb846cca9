import type { NativeImage } from './native-addon.js';

interface PastImage {
  image: NativeImage;
  /** When it was shown last, in milliseconds since 1970. */
  leftMs: number;
}

/**
 * Images that are shown no more, or were shown by a process before this one: files of theirs may be open, so it is known
 * where each is. Their trees are not in memory.
 */
export class PastImages {
  /** By path, the one that left first at the beginning. */
  readonly #byPath = new Map<string, PastImage>();
  readonly #bySerial = new Map<number, NativeImage[]>();

  /** Also those of wheels' images whose files are shown by an image of bytecode. */
  get serials(): number[] {
    return [...this.#bySerial.keys()];
  }

  /** All that have files under this serial. */
  of(serial: number): readonly NativeImage[] {
    return this.#bySerial.get(serial) ?? [];
  }

  /** In place of what was at its path before. */
  add(image: NativeImage, nowMs: number): void {
    this.remove(image.path);
    this.#byPath.set(image.path, { image, leftMs: nowMs });
    for (const serial of serialsOf(image)) this.#bySerial.set(serial, [...this.of(serial), image]);
  }

  remove(path: string): void {
    const past = this.#byPath.get(path);
    if (!past) return;
    this.#byPath.delete(path);
    for (const serial of serialsOf(past.image)) {
      const rest = this.of(serial).filter((image) => image !== past.image);
      if (rest.length > 0) this.#bySerial.set(serial, rest);
      else this.#bySerial.delete(serial);
    }
  }

  /** Forgets what left before `sinceMs`; gives its paths. */
  expire(sinceMs: number): string[] {
    const expired: string[] = [];
    for (const [path, { leftMs }] of this.#byPath) {
      if (leftMs >= sinceMs) break;
      expired.push(path);
    }
    for (const path of expired) this.remove(path);
    return expired;
  }
}

function serialsOf({ serial, base }: NativeImage): number[] {
  return base ? [serial, base.serial] : [serial];
}
