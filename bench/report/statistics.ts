/** What is kept of repeated measurements of one thing, in the unit of the samples. */
export interface Summary {
  count: number;
  min: number;
  median: number;
  p99: number;
  max: number;
}

/** Throws for no samples: a median of nothing would be quoted as a number. */
export function summarize(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new Error('there are no samples to summarize');
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    count: sorted.length,
    min: sorted[0]!,
    median: median(sorted),
    p99: percentile(sorted, 0.99),
    max: sorted.at(-1)!,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The nearest rank: the least sample that at least `share` (0 to 1) of all do not exceed. `sorted` ascends. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

export interface Point {
  x: number;
  y: number;
}

/** How y grows with x: y is about a constant times x to the power of `exponent`; 0 is flat, 1 is linear. */
export interface Growth {
  exponent: number;
  /** What one more of x costs over the whole range, in units of y: least squares through all points. */
  perItem: number;
}

/** Fits both by least squares, the exponent on logarithms. Needs two different x; all x and y above 0. */
export function fitGrowth(points: readonly Point[]): Growth {
  const logarithms = points.map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) }));
  return { exponent: slope(logarithms), perItem: slope(points) };
}

function slope(points: readonly Point[]): number {
  const mean = (pick: (point: Point) => number) =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const [middleX, middleY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const spread = points.reduce((sum, { x }) => sum + (x - middleX) ** 2, 0);
  if (!(spread > 0)) throw new Error('a slope needs points at two different places');
  return points.reduce((sum, { x, y }) => sum + (x - middleX) * (y - middleY), 0) / spread;
}
