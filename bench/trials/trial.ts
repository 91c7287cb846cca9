import type { Chart } from '../report/pictures.js';
import { baseline, ours } from '../report/result.js';
import type { Bench } from '../run/bench.js';
import type { Cost } from '../run/budget.js';
import type { Place } from '../run/contender.js';
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

export interface Trial {
  name: string;
  title: string;
  /** What is measured and how, for the documentation. */
  about: string;
  charts: readonly Chart[];
  cost: Cost;
  run(session: Session): Promise<void>;
}

/** Of other Pythons than the main one, only these contenders are measured. */
export const sidesOfAllPythons = ['venv', 'kernel', 'fuse-native'];

/** Rounds of what takes seconds: all of them for the pair that targets compare, fewer for the others. */
export function pairFirst(bench: Bench): (place: Place) => number {
  return ({ contender }) => ([baseline, ours].includes(contender) ? bench.rounds : bench.slowRounds);
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
