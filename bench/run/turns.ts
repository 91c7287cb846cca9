import type { Bench } from './bench.js';
import { dropCaches, isRoot } from './machine.js';

/** How many rounds a side takes part in, all from the first; `spentMs` is what it has taken in them so far. */
export type Rounds<Side> = number | ((side: Side, spentMs: number) => number);

/**
 * Measures several sides in turns, so that what disturbs the machine for a while disturbs all of them. `measure`
 * gives one or more samples. What it gives in `warmUps` rounds before is thrown away.
 */
export async function takeTurns<Side>(
  bench: Bench,
  sides: readonly Side[],
  rounds: Rounds<Side>,
  measure: (side: Side) => Promise<readonly number[] | number>,
  warmUps = 0,
): Promise<Map<Side, number[]>> {
  const samples = new Map<Side, number[]>(sides.map((side) => [side, []]));
  const roundsOf = typeof rounds === 'number' ? () => rounds : rounds;
  const spentMs = new Map<Side, number>();
  for (let round = -warmUps; ; round += 1) {
    const taking = sides.filter((side) => round < roundsOf(side, spentMs.get(side) ?? 0));
    if (taking.length === 0) return samples;
    // Back and forth, so that none has always the same one before it.
    for (const side of round % 2 === 0 ? taking : taking.toReversed()) {
      bench.checkRunning();
      const start = performance.now();
      const found = await measure(side);
      if (round < 0) continue;
      samples.get(side)!.push(...(typeof found === 'number' ? [found] : found));
      spentMs.set(side, (spentMs.get(side) ?? 0) + performance.now() - start);
    }
  }
}

export type CacheState = 'warm' | 'dropped';

/** `dropped` needs root; without it the cases are left out by name. */
export function cacheStates(bench: Bench, trial: string): CacheState[] {
  if (isRoot) return ['warm', 'dropped'];
  bench.skip(`${trial}, caches dropped`, 'only root may drop the kernel caches');
  return ['warm'];
}

/**
 * As `takeTurns`; in the state `dropped` caches are dropped before each measurement, in `warm` one round goes before,
 * or `warmUps` where something else has filled the caches.
 */
export function takeTurnsIn<Side>(
  bench: Bench,
  state: CacheState,
  sides: readonly Side[],
  rounds: Rounds<Side>,
  measure: (side: Side) => Promise<readonly number[] | number>,
  warmUps = 1,
): Promise<Map<Side, number[]>> {
  if (state === 'warm') return takeTurns(bench, sides, rounds, measure, warmUps);
  return takeTurns(bench, sides, rounds, async (side) => {
    await dropCaches();
    return measure(side);
  });
}
