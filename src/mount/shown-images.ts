import type { ImageName } from '../store/layout.js';
import type { HeldLease } from '../store/leases.js';

/** Processes may have files open that are not shown any more: for so long images stay after they were shown last. */
export const openFilesMs = 24 * 3_600_000;

/** What a mount shows and has shown within a day, as its leases tell every gc. */
export class ShownImages {
  readonly #leases: readonly HeldLease[];
  /** When it was shown last, in milliseconds since 1970; Infinity while it is. */
  readonly #until = new Map<ImageName, number>();
  #writing: Promise<void> = Promise.resolve();
  /** The leases say less than is true, because their file system was full or away. */
  #isBehind = false;

  constructor(leases: readonly HeldLease[]) {
    this.#leases = leases;
  }

  /** What a process before this one showed; what is not shown again by the next `settle` stays for a day from then. */
  inherit(): void {
    for (const lease of this.#leases) {
      for (const name of lease.images) this.#until.set(name, Number.POSITIVE_INFINITY);
    }
  }

  /**
   * To be awaited before the images are opened: from then on no gc removes them. Where that cannot be written they are
   * shown all the same: their generation has roots, and what is lost is the day after it was deleted.
   */
  async cover(names: Iterable<ImageName>): Promise<void> {
    const before = this.#until.size;
    for (const name of names) this.#until.set(name, Number.POSITIVE_INFINITY);
    if (this.#until.size > before || this.#isBehind) this.#write();
    await this.#writing;
  }

  /** `names` are all that is shown now. */
  async settle(names: ReadonlySet<ImageName>, nowMs: number): Promise<void> {
    const before = this.#until.size;
    for (const [name, untilMs] of this.#until) {
      if (names.has(name)) continue;
      if (untilMs === Number.POSITIVE_INFINITY) this.#until.set(name, nowMs);
      else if (untilMs < nowMs - openFilesMs) this.#until.delete(name);
    }
    if (this.#until.size < before || this.#isBehind) this.#write();
    await this.#writing;
  }

  /** One after the other; what is written last is what is true. */
  #write(): void {
    this.#writing = this.#writing.then(async () => {
      try {
        for (const lease of this.#leases) await lease.show([...this.#until.keys()]);
        this.#isBehind = false;
      } catch {
        this.#isBehind = true;
      }
    });
  }
}
