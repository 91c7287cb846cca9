import type { NativeImage } from './native-addon.js';

/** Images that a process before this one showed: files of theirs may be open. */
export class InheritedImages {
  readonly #bySerial = new Map<number, NativeImage[]>();

  constructor(images: readonly NativeImage[]) {
    for (const image of images) {
      this.#add(image.serial, image);
      if (image.base) this.#add(image.base.serial, image);
    }
  }

  /** Also those of wheels' images whose files are shown by an image of bytecode. */
  get serials(): number[] {
    return [...this.#bySerial.keys()];
  }

  /** All that have files under this serial. */
  of(serial: number): readonly NativeImage[] {
    return this.#bySerial.get(serial) ?? [];
  }

  #add(serial: number, image: NativeImage): void {
    this.#bySerial.set(serial, [...this.of(serial), image]);
  }
}
