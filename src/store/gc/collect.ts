import { readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { unless } from '../../base/errors.js';
import type { Progress } from '../../base/progress.js';
import type { StorePart } from '../chain.js';
import type { ImageName, StoreLayout } from '../layout.js';
import { type FoundLease, HeldLease, listLeases, removeDeadLeases } from '../leases.js';
import { mayWrite } from '../modes.js';
import { type Choice, choose, type WeighedImage } from './candidates.js';
import { condemn, imagesBelow, removeEmptyFolders, type Sentence, sentence } from './condemned.js';
import { removeLeftovers } from './leftovers.js';

/** What generations refer to. */
export interface Marked {
  referred: Set<ImageName>;
  /** When the last generation that referred to an image was given up. */
  givenUpMs: Map<ImageName, number>;
}

export interface CollectOptions {
  /** Reads the roots, and throws where they are not complete. `nowMs` is the file system's clock. */
  mark(nowMs: number): Promise<Marked>;
  olderThanMs: number;
  maxBytes: number | undefined;
  isDryRun: boolean;
  /** How long to wait for operations that were running when images were condemned. */
  waitMs: number;
  /** How long other hosts may go on finding what was renamed: attribute caches of NFS. */
  settleMs: number;
  progress: Progress;
  signal?: AbortSignal;
}

export interface Collected {
  removed: Pick<WeighedImage, 'place' | 'bytes'>[];
  /** Condemned, for the next gc: operations were running for too long. */
  waiting: Sentence[];
  /** Those that it would have had to wait for. */
  waitingFor: FoundLease[];
  /** Unused and not removed: too young, or the store is small enough. */
  kept: Pick<Choice, 'young' | 'withinSize'>;
  /** Of no generation any more, and shown by a mount within a day. */
  shown: Pick<WeighedImage, 'place' | 'bytes'>[];
  images: number;
  bytes: number;
  /** Half-written files of processes that are gone. */
  leftovers: number;
}

const pollMs = 50;

/** Removes images that nothing refers to, after docs/store.md. Throws what `mark` throws; nothing is removed then. */
export async function collect(part: StorePart, options: CollectOptions): Promise<Collected> {
  const lease = options.isDryRun ? undefined : await HeldLease.take(part.layout, 'collection', 'store gc');
  try {
    return await new Collection(part, options, lease).run();
  } finally {
    await lease?.end();
  }
}

class Collection {
  readonly #part: StorePart;
  readonly #layout: StoreLayout;
  readonly #options: CollectOptions;
  /** Undefined for a dry run, and where the store cannot be written. */
  readonly #lease: HeldLease | undefined;
  #nowMs = 0;

  constructor(part: StorePart, options: CollectOptions, lease: HeldLease | undefined) {
    this.#part = part;
    this.#layout = part.layout;
    this.#options = options;
    this.#lease = lease;
  }

  async run(): Promise<Collected> {
    const { isDryRun, progress, mark } = this.#options;
    this.#nowMs = (await this.#lease?.takenMs()) ?? Date.now();
    progress.start('Reading what is referred to', 0);
    try {
      const marked = await mark(this.#nowMs);
      const leases = await listLeases(this.#layout, this.#nowMs);
      const images = await this.#weigh(marked);
      const referred = withMounts(marked.referred, leases);
      const choice = choose(images, referred, {
        ...this.#options,
        nowMs: this.#nowMs,
        operationsSinceMs: oldestMs(leases),
      });
      const shown = images.filter(({ name }) => referred.has(name) && !marked.referred.has(name));
      const totals = { images: images.length, bytes: sum(images), shown };
      if (isDryRun || !this.#lease) return { ...nothing, ...totals, kept: choice, removed: choice.doomed };
      return { ...totals, ...(await this.#carryOut(choice, leases)), kept: choice };
    } finally {
      progress.finish();
    }
  }

  async #weigh({ givenUpMs }: Marked): Promise<WeighedImage[]> {
    const images: WeighedImage[] = [];
    const movable = new Map<string, Promise<boolean>>();
    for (const { path, image: name, bytes, mtimeMs } of await imagesBelow(this.#part, this.#layout.images)) {
      const folder = dirname(path);
      if (!movable.has(folder)) movable.set(folder, mayWrite(folder));
      images.push({
        name,
        place: relative(this.#layout.images, path),
        bytes,
        usedMs: Math.max(mtimeMs, givenUpMs.get(name) ?? 0),
        isMovable: await movable.get(folder)!,
      });
    }
    return images;
  }

  async #carryOut(
    { doomed }: Choice,
    before: readonly FoundLease[],
  ): Promise<Pick<Collected, 'removed' | 'waiting' | 'waitingFor' | 'leftovers'>> {
    const { signal, settleMs } = this.#options;
    try {
      for (const { place } of doomed) {
        signal?.throwIfAborted();
        await condemn(this.#layout, this.#lease!.id, place);
      }
      if (doomed.length > 0) await wait(settleMs, undefined, { ...(signal ? { signal } : {}) });
      const waitingFor = await this.#awaitOperations();
      const sentences = await this.#sentenceAll(waitingFor.length === 0);
      await this.#tidy(before, doomed);
      const leftovers = await removeLeftovers(this.#part, { nowMs: this.#nowMs, leases: before });
      const waiting = sentences.filter(({ fate }) => fate === 'waiting');
      return {
        removed: sentences.filter(({ fate }) => fate === 'removed'),
        waiting,
        waitingFor: waiting.length > 0 ? waitingFor : [],
        leftovers,
      };
    } catch (error) {
      await this.#pardon();
      throw error;
    }
  }

  /** Waits until the operations that run now have ended; those that have not in time. */
  async #awaitOperations(): Promise<FoundLease[]> {
    const { waitMs, signal, progress } = this.#options;
    const isRunning = ({ kind, isAlive }: FoundLease) => kind === 'operation' && isAlive;
    const awaited = new Set(
      (await listLeases(this.#layout, this.#nowMs)).filter(isRunning).map(({ id }) => id),
    );
    if (awaited.size > 0) progress.start('Waiting for operations', 0);
    for (const endMs = performance.now() + waitMs; ; ) {
      const left = (await listLeases(this.#layout, this.#nowMs)).filter(
        (lease) => awaited.has(lease.id) && isRunning(lease),
      );
      if (left.length === 0 || performance.now() >= endMs) return left;
      await wait(pollMs, undefined, { ...(signal ? { signal } : {}) });
    }
  }

  /** Its own images, and those of collections that ended before they had done this. */
  async #sentenceAll(isSettled: boolean): Promise<Sentence[]> {
    const marked = await this.#options.mark(this.#nowMs);
    const leases = await listLeases(this.#layout, this.#nowMs);
    const referred = withMounts(marked.referred, leases);
    const others = new Set(leases.filter(({ isAlive }) => isAlive).map(({ id }) => id));
    others.delete(this.#lease!.id);
    const sentences: Sentence[] = [];
    for (const collection of (await unless('ENOENT', readdir(this.#layout.condemned))) ?? []) {
      if (others.has(collection)) continue;
      sentences.push(...(await sentence(this.#part, collection, { referred, isSettled })));
    }
    return sentences;
  }

  async #tidy(leases: readonly FoundLease[], doomed: readonly WeighedImage[]): Promise<void> {
    await removeDeadLeases(this.#layout, leases, this.#nowMs);
    for (const distribution of new Set(doomed.map(({ place }) => place.split('/')[0]!)))
      await removeEmptyFolders(this.#part, join(this.#layout.images, distribution));
  }

  /** Whatever keeps it from ending: everything is where it was before. */
  async #pardon(): Promise<void> {
    const everything = await imagesBelow(this.#part, join(this.#layout.condemned, this.#lease!.id));
    const referred = new Set(everything.map(({ image }) => image));
    await sentence(this.#part, this.#lease!.id, { referred, isSettled: false });
  }
}

const nothing = { waiting: [], waitingFor: [], leftovers: 0 };

/** Also what mounts show, which may be of environments that are deleted. */
function withMounts(referred: ReadonlySet<ImageName>, leases: readonly FoundLease[]): Set<ImageName> {
  return new Set([...referred, ...leases.flatMap(({ images, isAlive }) => (isAlive ? images : []))]);
}

function oldestMs(leases: readonly FoundLease[]): number | undefined {
  const running = leases.filter(({ kind, isAlive }) => kind === 'operation' && isAlive);
  return running.length === 0 ? undefined : Math.min(...running.map(({ startedMs }) => startedMs));
}

function sum(images: readonly WeighedImage[]): number {
  return images.reduce((total, { bytes }) => total + bytes, 0);
}
