/** Numbers in [0, 1) that follow from a seed (mulberry32). */
export type Random = () => number;

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** All of `items` in an order drawn at random; a heavier one tends to come earlier (Efraimidis and Spirakis). */
export function shuffle<T>(items: readonly T[], random: Random, weightOf: (item: T) => number): T[] {
  const keyed = items.map((item) => ({ item, key: random() ** (1 / weightOf(item)) }));
  return keyed.sort((a, b) => b.key - a.key).map(({ item }) => item);
}
