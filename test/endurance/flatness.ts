/** What one process held at one moment. */
export interface Sample {
  /** Since the beginning. */
  seconds: number;
  memoryBytes: number;
  descriptors: number;
  threads: number;
}

export type Quantity = 'memoryBytes' | 'descriptors' | 'threads';

export interface Verdict {
  quantity: Quantity;
  isFlat: boolean;
  /** Medians of the second and of the last quarter of the time. */
  before: number;
  after: number;
  /** Of the straight line through all after the first quarter; undefined where the time is too short to tell. */
  perHour: number | undefined;
}

interface Rule {
  quantity: Quantity;
  /** By how much the last quarter's median may exceed the second's: the greater of a share and an amount. */
  share: number;
  amount: number;
  mostPerHour: number;
  /** A shorter time is all warming up. */
  leastSeconds: number;
}

const mebibyte = 2 ** 20;
/** A line through less tells how the collector of garbage happens to work. */
const shortestForSlopeSeconds = 600;

/**
 * The first quarter is for warming up. What is left is flat when the median of the last quarter is about that of the
 * second, and what grows by the line through all of it would not matter in a day.
 */
export const rules: readonly Rule[] = [
  {
    quantity: 'memoryBytes',
    share: 0.1,
    amount: 8 * mebibyte,
    mostPerHour: 32 * mebibyte,
    leastSeconds: 180,
  },
  { quantity: 'descriptors', share: 0.1, amount: 16, mostPerHour: 24, leastSeconds: 20 },
  { quantity: 'threads', share: 0, amount: 2, mostPerHour: 4, leastSeconds: 20 },
];

/** Judges samples in the order of time, at least eight; where the time is too short all is well. Pure. */
export function judge(samples: readonly Sample[]): Verdict[] {
  const endSeconds = samples.at(-1)!.seconds;
  const from = (share: number) => samples.filter(({ seconds }) => seconds >= endSeconds * share);
  const [settled, last] = [from(0.25), from(0.75)];
  const second = settled.filter(({ seconds }) => seconds < endSeconds * 0.5);
  return rules.map(({ quantity, share, amount, mostPerHour, leastSeconds }) => {
    const [before, after] = [second, last].map((part) => median(part.map((sample) => sample[quantity])));
    const isLong = endSeconds >= shortestForSlopeSeconds;
    const perHour = isLong ? slopePerSecond(settled, quantity) * 3600 : undefined;
    const isSettled = after! <= before! + Math.max(before! * share, amount) && (perHour ?? 0) <= mostPerHour;
    const isFlat = isSettled || endSeconds < leastSeconds;
    return { quantity, isFlat, before: before!, after: after!, perHour };
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Least squares. */
function slopePerSecond(samples: readonly Sample[], quantity: Quantity): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(samples.map(({ seconds }) => seconds));
  const y = mean(samples.map((sample) => sample[quantity]));
  let [covariance, variance] = [0, 0];
  for (const sample of samples) {
    covariance += (sample.seconds - x) * (sample[quantity] - y);
    variance += (sample.seconds - x) ** 2;
  }
  return variance === 0 ? 0 : covariance / variance;
}

/** `memory 110.2 -> 112.0 MiB (+3.1 MiB/h)`, and `GROWS` where it is not flat. */
export function describeVerdict({ quantity, isFlat, before, after, perHour }: Verdict): string {
  const isMemory = quantity === 'memoryBytes';
  const format = (value: number) =>
    isMemory ? (value / mebibyte).toFixed(1) : String(Math.round(value * 10) / 10);
  const unit = isMemory ? ' MiB' : '';
  const slope = perHour === undefined ? '' : ` (${perHour < 0 ? '' : '+'}${format(perHour)}${unit}/h)`;
  const name = isMemory ? 'memory' : quantity;
  return `${name} ${format(before)} -> ${format(after)}${unit}${slope}${isFlat ? '' : ' GROWS'}`;
}
