import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listMounts } from '../../src/mount/mountpoint.js';
import type { Probe } from '../../src/python/probe.js';
import type { Result, Row, Slope, Unit } from '../report/result.js';
import { fitGrowth, summarize } from '../report/statistics.js';
import { sharesOf, shrink } from './budget.js';

export interface Settings {
  isQuick: boolean;
  /** Repetitions of each measurement, where no budget shrinks them. */
  rounds: number;
  /** Repetitions of what takes seconds each. */
  slowRounds: number;
  /** Where downloaded wheels are kept from run to run. */
  cache: string;
  /** The interpreter of everything that is not about several Pythons. */
  python: Probe;
  /** Names of the sets that are imported, minor versions of the other Pythons; undefined means all. */
  sets: string[] | undefined;
  pythons: string[] | undefined;
  /** The program uv. */
  uv: string;
  say(text: string): void;
}

/** One run: its folder, what it found, and what has to be taken away again. */
export class Bench {
  readonly settings: Settings;
  readonly folder: string;
  readonly rows: Row[] = [];
  readonly slopes: Slope[] = [];
  readonly skipped: Result['skipped'] = [];
  readonly #teardowns: { what: string; undo: () => Promise<unknown> }[] = [];
  #isInterrupted = false;
  #shares = { pair: 1, others: 1 };

  private constructor(settings: Settings, folder: string) {
    this.settings = settings;
    this.folder = folder;
  }

  /** Everything is placed in a new folder below TMPDIR, which therefore chooses the disk. */
  static async make(settings: Settings): Promise<Bench> {
    const bench = new Bench(settings, await realpath(await mkdtemp(join(tmpdir(), 'shenv-bench-'))));
    bench.defer('the folder of the run', () => removeUnmounted(bench.folder));
    return bench;
  }

  /** A folder of the run's own, made. */
  async newFolder(...parts: string[]): Promise<string> {
    const path = join(this.folder, ...parts);
    await mkdir(path, { recursive: true });
    return path;
  }

  /** Repetitions of each measurement of what has a target, in the trial that runs. */
  get rounds(): number {
    return shrink(this.settings.rounds, this.#shares.pair);
  }

  /** Repetitions of everything else, and of what takes seconds each. */
  get slowRounds(): number {
    return shrink(this.settings.slowRounds, this.#shares.others);
  }

  /** From now on only about this share (0 to 1) of all rounds is run, at least one each. */
  shrinkRounds(share: number): void {
    this.#shares = sharesOf(share);
  }

  /** Has something undone at the end, whatever happens; the last thing first. */
  defer(what: string, undo: () => Promise<unknown>): void {
    this.#teardowns.push({ what, undo });
  }

  /** Lets the run end at its next step. */
  interrupt(): void {
    this.#isInterrupted = true;
  }

  /** Throws once the run has been interrupted: nothing new may be begun then. */
  checkRunning(): void {
    if (this.#isInterrupted) throw new Error('interrupted');
  }

  /** Undoes everything; one failure does not keep the rest. Gives what failed. */
  async end(): Promise<string[]> {
    const failures: string[] = [];
    for (let next = this.#teardowns.pop(); next; next = this.#teardowns.pop()) {
      const { what, undo } = next;
      await undo().catch((error: unknown) => failures.push(`${what}: ${String(error)}`));
    }
    return failures;
  }

  skip(what: string, why: string): void {
    if (this.skipped.some((item) => item.what === what && item.why === why)) return;
    this.skipped.push({ what, why });
    this.settings.say(`  left out: ${what}: ${why}`);
  }

  /** Lets a part of a trial fail: it is then named as left out, and the rest goes on. */
  async attempt(what: string, part: () => Promise<void>): Promise<void> {
    this.checkRunning();
    try {
      await part();
    } catch (error) {
      this.checkRunning();
      this.skip(what, `failed: ${firstLine(error)}`);
    }
  }

  record(trial: string, name: string, contender: string, unit: Unit, samples: readonly number[]): void {
    this.rows.push({ trial, case: name, contender, unit, ...summarize(samples) });
  }

  /** Records how the medians of the cases `<number> <over>, <figure>` grew; nothing where there are less than two. */
  recordGrowthOf(slope: Omit<Slope, 'exponent' | 'perItem'>): void {
    const { trial, figure, contender, over } = slope;
    const points = this.rows
      .filter((row) => row.trial === trial && row.contender === contender)
      .filter((row) => row.case.endsWith(` ${over}, ${figure}`))
      // A fit on logarithms has no 0.
      .map((row) => ({ x: Number.parseInt(row.case, 10), y: Math.max(row.median, 0.5) }));
    if (points.length >= 2) this.slopes.push({ ...slope, ...fitGrowth(points) });
  }
}

/** An error in so many words as a list of what was left out has room for. */
export function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error)
    .split('\n')[0]!
    .slice(0, 300);
}

/** Removes a folder, but never through something that is still mounted below it. */
async function removeUnmounted(folder: string): Promise<void> {
  const mounts = (await listMounts()).filter(({ mountpoint }) => mountpoint.startsWith(`${folder}/`));
  if (mounts.length > 0) throw new Error(`something is mounted at ${mounts[0]!.mountpoint}`);
  await rm(folder, { recursive: true, force: true });
}
