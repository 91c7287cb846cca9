import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Probe } from '../../src/python/probe.js';
import type { Result, Row, Slope, Unit } from '../report/result.js';
import { fitGrowth, type Point, summarize } from '../report/statistics.js';

export interface Settings {
  isQuick: boolean;
  /** Repetitions of each measurement; slow ones take fewer. */
  rounds: number;
  /** Where downloaded wheels are kept from run to run. */
  cache: string;
  /** The interpreter of everything that is not about several Pythons. */
  python: Probe;
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

  private constructor(settings: Settings, folder: string) {
    this.settings = settings;
    this.folder = folder;
  }

  /** Everything is placed in a new folder below TMPDIR, which therefore chooses the disk. */
  static async make(settings: Settings): Promise<Bench> {
    const bench = new Bench(settings, await realpath(await mkdtemp(join(tmpdir(), 'shenv-bench-'))));
    bench.defer('the folder of the run', () => rm(bench.folder, { recursive: true, force: true }));
    return bench;
  }

  /** A folder of the run's own, made. */
  async newFolder(...parts: string[]): Promise<string> {
    const path = join(this.folder, ...parts);
    await mkdir(path, { recursive: true });
    return path;
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

  record(trial: string, name: string, contender: string, unit: Unit, samples: readonly number[]): void {
    this.rows.push({ trial, case: name, contender, unit, ...summarize(samples) });
  }

  /** Records how the medians of a figure grew. */
  recordGrowth(slope: Omit<Slope, 'exponent' | 'perItem'>, points: readonly Point[]): void {
    this.slopes.push({ ...slope, ...fitGrowth(points) });
  }
}
