import type { Chart } from '../report/pictures.js';
import type { Bench } from '../run/bench.js';
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
  run(session: Session): Promise<void>;
}

/** Of other Pythons than the main one, only these contenders are measured. */
export const sidesOfAllPythons = ['venv', 'kernel', 'fuse-native'];

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
