import type { Place } from '../contenders/contender.js';
import type { Bench } from '../run/bench.js';
import type { Shelf } from '../run/shelf.js';
import type { WheelSet } from '../run/wheel-set.js';

/** What a trial works with. */
export interface Session {
  bench: Bench;
  shelf: Shelf;
  /** The program fsclient, built. */
  client: string;
  /** The set that trials of the file system use: many distributions, or few with --quick. */
  mainSet(): Promise<WheelSet>;
}

/** A picture of some of a trial's cases. */
export interface Chart {
  /** Part of the file's name. */
  name: string;
  title: string;
  /** `lines`: over the first number in the case's name. */
  kind: 'ratio' | 'value' | 'lines';
  cases: RegExp;
  /** For `lines`: what is along the axis. */
  over?: string;
}

export interface Trial {
  name: string;
  title: string;
  /** What is measured and how, for the documentation. */
  about: string;
  charts: readonly Chart[];
  run(session: Session): Promise<void>;
}

/** Records what each place gave, in the places' order. */
export function recordPlaces(
  bench: Bench,
  trial: string,
  name: string,
  unit: 'us' | 'ms',
  samples: ReadonlyMap<Place, readonly number[]>,
): void {
  for (const [{ contender }, all] of samples) bench.record(trial, name, contender, unit, all);
}
