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

/** One that no target is about is measured no more once it has taken so long in one point. */
const mostOthersMs = 5000;

/**
 * Rounds in a point that all contenders take part in: all for the pair that targets compare, fewer for the others. In the
 * quick form, whose ratios are compared with the last ones, the same for all.
 */
export function pairFirst(bench: Bench): (side: { contender: string }, spentMs: number) => number {
  return ({ contender }, spentMs) => {
    if (bench.settings.isQuick || [baseline, ours].includes(contender)) return bench.rounds;
    return spentMs > mostOthersMs ? 0 : bench.slowRounds;
  };
}

/** The same for places with their lists. */
export function pairFirstListed(bench: Bench): (side: { place: Place }, spentMs: number) => number {
  const roundsOf = pairFirst(bench);
  return ({ place }, spentMs) => roundsOf(place, spentMs);
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
