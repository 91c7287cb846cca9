interface TurnsOptions {
  /** Ends it before its time. */
  signal?: AbortSignal | undefined;
  /** Takes what goes wrong. */
  violations: string[];
  /** How much longer than its time it may go on, as things stand; left out: not at all. */
  graceMs?: () => number;
}

/** What the actors of a campaign do again and again, each by itself, until its time is over or something is wrong. */
export class Turns {
  readonly #options: TurnsOptions;
  #endMs = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** The time of the campaign begins. */
  begin(seconds: number): void {
    this.#endMs = Date.now() + seconds * 1000;
  }

  /** Negative once it is over. */
  get leftMs(): number {
    return this.#endMs - Date.now();
  }

  async repeat(step: () => Promise<void>): Promise<void> {
    while (!this.#isOver()) {
      if (!(await this.guard(step))) this.#endMs = 0;
    }
  }

  /** False where the step failed, which is a violation. */
  async guard(step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      this.#options.violations.push((error as Error).message);
      return false;
    }
  }

  #isOver(): boolean {
    const { signal, graceMs = () => 0 } = this.#options;
    return signal?.aborted === true || this.leftMs <= -graceMs();
  }
}
