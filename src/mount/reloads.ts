import type { Logger } from '../base/log.js';
import type { ImageContents } from '../store/image-contents.js';
import type { Engine, Publication } from './engine.js';
import { logFailure, logReload } from './log-events.js';
import type { MountedEnvironments } from './mounted-environments.js';
import type { ShownJournal } from './shown-journal.js';

interface Options {
  environments: MountedEnvironments;
  contents: ImageContents;
  journal: ShownJournal | undefined;
  mountpoint: string;
  log: Logger;
  /** Known when the first reload comes. */
  engine(): Engine;
  /** Called after each publication that the kernel was told of. */
  onPublished(): Promise<void>;
}

/** Beside what the home tells by itself. */
interface Told {
  /** Paths of images whose files were replaced. */
  renewed?: ReadonlySet<string>;
  /** What the kernel has to forget whatever is found. */
  forgotten?: Publication['forgotten'];
}

/** Reads the home again, one time after the other, and publishes what was found. */
export class Reloads {
  readonly #options: Options;
  /** Settles when the last one that was asked for is served; never rejects. */
  #last: Promise<void> = Promise.resolve();
  #count = 0;
  /** Publications that the kernel is still being told of. */
  #forgetting = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** How many the kernel was told of. */
  get count(): number {
    return this.#count;
  }

  /** Resolves when all that were asked for until now are served, or have failed. */
  get served(): Promise<void> {
    return this.#last;
  }

  /** Resolves when no process can see what was before; what goes wrong is in the log, too. */
  async reload(told: Told = {}): Promise<void> {
    return (await this.#serve(told)).forgotten;
  }

  /** Resolves earlier than `reload`: when requests are answered from what is in the home now. */
  async show(): Promise<void> {
    await this.#serve({});
  }

  /** What the kernel is told afterwards is in the log where it fails, whoever waits for it. */
  #serve(told: Told): Promise<{ forgotten: Promise<void> }> {
    const served = this.#last.then(() => this.#publish(told));
    this.#last = served.then(
      () => undefined,
      () => undefined,
    );
    served.then(({ forgotten }) => forgotten).catch((error: unknown) => this.#tellFailure(error));
    return served;
  }

  /**
   * Resolves when requests are answered from what was found, `forgotten` when the kernel has let go of the rest: it may
   * wait for a request that waits for the next reload.
   */
  async #publish({ renewed = new Set(), forgotten = [] }: Told): Promise<{ forgotten: Promise<void> }> {
    const { environments, contents, engine, log, onPublished } = this.#options;
    const startedMs = performance.now();
    const publication = await environments.reload(renewed);
    for (const path of publication.renewed) contents.forget(path);
    const all = [...publication.forgotten, ...forgotten];
    this.#forgetting += 1;
    const flushed = engine()
      .publish({ ...publication, forgotten: all })
      .then(() => {
        logReload(log, publication, performance.now() - startedMs);
        return onPublished();
      });
    return { forgotten: flushed.finally(() => this.#settle()) };
  }

  /** The journal has to tell of what is past until the kernel knows nothing of it. */
  #settle(): void {
    this.#forgetting -= 1;
    this.#count += 1;
    if (this.#forgetting === 0) this.#options.journal?.settle();
  }

  #tellFailure(error: unknown): void {
    logFailure(this.#options.log, 'reload-failed', this.#options.mountpoint, error);
  }
}
