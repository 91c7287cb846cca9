import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Progress } from '../../base/progress.js';
import { everybody } from '../../base/trust.js';
import { walkImage } from '../../image/dump.js';
import { Image } from '../../image/read.js';
import type { StorePart } from '../chain.js';
import type { Store } from '../store.js';
import type { ContentRun, RunFault } from './content-run.js';
import { DigestPool } from './digest-pool.js';
import { type Inspection, kindOf } from './inspect.js';
import { type ImageFilePlace, walkImages } from './walk.js';

/** One image with all that is wrong with it; nothing is where it is sound. */
export interface ImageVerdict extends ImageFilePlace, Omit<Inspection, 'runs'> {}

export interface Verification {
  /** Images that were looked at. */
  count: number;
  bytes: number;
  durationMs: number;
  /** Images with faults, by path. */
  faulty: ImageVerdict[];
  /** Images of users who are not believed here, sound or not: nobody but these shows them. */
  unbelieved: Pick<ImageVerdict, 'path' | 'uid'>[];
  strange: string[];
  unlisted: string[];
}

export interface VerifyOptions {
  /** Those of these distributions; all where it is empty. */
  distributions: readonly string[];
  progress: Progress;
  signal?: AbortSignal | undefined;
}

/** More do not make any disk faster, and each has 8 MiB of buffers. */
const mostThreads = 32;
/** A thread takes 60 ms to start, so that a small store has few. */
const bytesPerThread = 8 << 20;
const refreshMs = 100;

/**
 * Looks at every image of the first store: metadata by their rules, contents by their digests, on all cores. Changes
 * nothing. Throws the signal's reason soon after it was aborted.
 */
export async function verifyStore({ parts }: Store, options: VerifyOptions): Promise<Verification> {
  const startedMs = performance.now();
  const { images, strange, unlisted } = await walkImages(parts, options.distributions);
  options.signal?.throwIfAborted();
  const sizes = await Promise.all(images.map(async ({ path }) => sizeOf(path)));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const all = images.length === 0 ? [] : await verifyOnThreads(parts[0], images, bytes, options);
  const verdicts = all.filter(({ faults }) => !faults.some(({ kind }) => kind === 'gone'));
  markSharedSerials(verdicts);
  return {
    count: verdicts.length,
    bytes,
    durationMs: performance.now() - startedMs,
    faulty: verdicts.filter(({ faults }) => faults.length > 0),
    unbelieved: verdicts.filter(({ isBelieved }) => !isBelieved).map(({ path, uid }) => ({ path, uid })),
    strange,
    unlisted,
  };
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function verifyOnThreads(
  { layout: { images: folder } }: StorePart,
  places: readonly ImageFilePlace[],
  bytes: number,
  { progress, signal }: VerifyOptions,
): Promise<ImageVerdict[]> {
  const threads = Math.min(availableParallelism(), mostThreads, Math.ceil(bytes / bytesPerThread) || 1);
  const pool = new DigestPool(threads);
  const abort = () => void pool.end(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const stopShowing = showBytes(pool, progress, bytes);
  try {
    signal?.throwIfAborted();
    const inspections = await Promise.all(
      places.map(({ path, basePaths }) => pool.inspect(path, folder, basePaths)),
    );
    const runs = inspections.flatMap((inspection) => inspection.runs.map((run) => ({ inspection, run })));
    // The largest first, so that no thread ends long after the others.
    runs.sort((a, b) => lengthOf(b.run) - lengthOf(a.run));
    await Promise.all(
      runs.map(async ({ inspection, run }) => {
        for (const fault of await pool.checkRun(run)) noteFault(inspection, fault);
      }),
    );
    return places.map((place, index) => {
      const { runs: _, ...inspection } = inspections[index]!;
      return { ...place, ...inspection };
    });
  } finally {
    signal?.removeEventListener('abort', abort);
    stopShowing();
    await pool.end(undefined);
  }
}

function lengthOf({ start, end }: ContentRun): number {
  return end - start;
}

/** Shows what the threads count; the bytes of metadata are left out. */
function showBytes(pool: DigestPool, progress: Progress, bytes: number): () => void {
  let shown = 0;
  progress.start('Verifying', bytes, 'bytes');
  const timer = setInterval(() => {
    const done = pool.bytesDone;
    progress.advance(done - shown);
    shown = done;
  }, refreshMs);
  return () => {
    clearInterval(timer);
    progress.finish();
  };
}

function noteFault(inspection: Inspection, fault: RunFault): void {
  const kind = fault.errorCode === undefined ? 'damaged' : kindOf(fault.errorCode);
  if (kind === undefined) throw new Error(`${inspection.path} cannot be read: ${fault.errorCode}`);
  inspection.faults.push({ kind, rule: describeFault(inspection, fault) });
}

function describeFault({ path }: Inspection, fault: RunFault): string {
  if (fault.kind === 'padding') return `bytes between its files are not zero (after byte ${fault.offset})`;
  if (fault.kind === 'unreadable') {
    const why = fault.errorCode ?? 'it ends there';
    return `it cannot be read at byte ${fault.offset} (${why})`;
  }
  return `the contents of '${nameOfNode(path, fault.node!)}' are not what its digest says`;
}

/** Metadata were sound a moment ago. */
function nameOfNode(path: string, wanted: number): string {
  const image = Image.outline(path, everybody);
  for (const { path: name, node } of walkImage(image)) if (node === wanted) return name;
  return `node ${wanted}`;
}

/**
 * Two images with one serial would have files with the same inode numbers. What somebody who is not believed has made up
 * is never the fault of another one's image.
 */
function markSharedSerials(verdicts: readonly ImageVerdict[]): void {
  const bySerial = new Map<number, ImageVerdict>();
  const believedFirst = [...verdicts].sort((a, b) => Number(b.isBelieved) - Number(a.isBelieved));
  for (const verdict of believedFirst) {
    if (verdict.serial === undefined) continue;
    const other = bySerial.get(verdict.serial);
    if (!other) bySerial.set(verdict.serial, verdict);
    else
      verdict.faults.push({ kind: 'serial', rule: `it has the serial ${verdict.serial} of ${other.path}` });
  }
}
