import { readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { removeStaged } from '../../base/atomic-write.js';
import { unless } from '../../base/errors.js';
import type { Progress } from '../../base/progress.js';
import type { StorePart } from '../chain.js';
import type { ImageName, StoreLayout } from '../layout.js';
import { type FoundLease, HeldLease, isRunningOperation, listLeases, removeDeadLeases } from '../leases.js';
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

/** On the file system's clock, in milliseconds since 1970. */
export interface MarkTimes {
  nowMs: number;
  /** When the oldest operation began that is running; undefined where none is. */
  operationsSinceMs: number | undefined;
}

export interface CollectOptions {
  /** Reads the roots, and throws where they are not complete. */
  mark(times: MarkTimes): Promise<Marked>;
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
  /** Put back, for the next gc: operations were running for too long. */
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
    const { isDryRun, progress } = this.#options;
    this.#nowMs = (await this.#lease?.takenMs()) ?? Date.now();
    progress.start('Reading what is referred to', 0);
    try {
      const { marked, leases } = await this.#mark();
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

  /** Operations that begin after the leases were listed have young roots. */
  async #mark(): Promise<{ marked: Marked; leases: FoundLease[] }> {
    const before = await listLeases(this.#layout, this.#nowMs);
    const marked = await this.#options.mark({ nowMs: this.#nowMs, operationsSinceMs: oldestMs(before) });
    return { marked, leases: await listLeases(this.#layout, this.#nowMs) };
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
      const collections = [this.#lease!.id, ...(await this.#abandoned())];
      const waitingFor = await this.#awaitOperations();
      const sentences = await this.#sentenceAll(collections, waitingFor.length === 0);
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
    const awaited = new Set(
      (await listLeases(this.#layout, this.#nowMs)).filter(isRunningOperation).map(({ id }) => id),
    );
    if (awaited.size > 0) progress.start('Waiting for operations', 0);
    for (const endMs = performance.now() + waitMs; ; ) {
      const left = (await listLeases(this.#layout, this.#nowMs)).filter(
        (lease) => awaited.has(lease.id) && isRunningOperation(lease),
      );
      if (left.length === 0 || performance.now() >= endMs) return left;
      await wait(pollMs, undefined, { ...(signal ? { signal } : {}) });
    }
  }

  /**
   * Collections that ended before they had sentenced what they have condemned. To be asked before operations are listed that
   * are waited for: of what is condemned later nobody knows who has found it.
   */
  async #abandoned(): Promise<string[]> {
    // A collection takes its lease before it makes its folder.
    const folders = (await unless('ENOENT', readdir(this.#layout.condemned))) ?? [];
    const leases = await listLeases(this.#layout, this.#nowMs);
    const running = new Set(leases.filter(({ isAlive }) => isAlive).map(({ id }) => id));
    return folders.filter((collection) => !running.has(collection));
  }

  async #sentenceAll(collections: readonly string[], isSettled: boolean): Promise<Sentence[]> {
    const { marked, leases } = await this.#mark();
    const referred = withMounts(marked.referred, leases);
    const sentences: Sentence[] = [];
    for (const collection of collections)
      sentences.push(...(await sentence(this.#part, collection, { referred, isSettled })));
    return sentences;
  }

  async #tidy(leases: readonly FoundLease[], doomed: readonly WeighedImage[]): Promise<void> {
    const { homes, roots } = this.#layout;
    const ids = (await unless('ENOENT', readdir(roots))) ?? [];
    for (const folder of [homes, ...ids.map((id) => join(roots, id))])
      await removeStaged(folder, this.#nowMs);
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
  const running = leases.filter(isRunningOperation);
  return running.length === 0 ? undefined : Math.min(...running.map(({ startedMs }) => startedMs));
}

function sum(images: readonly WeighedImage[]): number {
  return images.reduce((total, { bytes }) => total + bytes, 0);
}
