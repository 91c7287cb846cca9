/** What a trial of the full form takes on the machine of the committed results, in seconds. */
export interface Cost {
  /** Setting up, and what is measured once: no number of rounds changes it. */
  once: number;
  /** All rounds together. */
  rounds: number;
}

export interface Progress {
  /** Costs of the trials that have run, and how much of their rounds they ran (0 to 1). */
  done: readonly { cost: Cost; share: number }[];
  /** Costs of the trials that are still to run, the next one first. */
  left: readonly Cost[];
  usedSeconds: number;
}

export interface Forecast {
  /** Seconds that the trials that are left will take, rounds shrunk. */
  leftSeconds: number;
  /** The share of its rounds that the next trial runs: 1 without a budget, or where it lasts. */
  share: number;
}

/** However busy a machine is at the beginning, its pace is believed within these bounds. */
const [leastPace, mostPace] = [0.5, 4];

/** How long the machine takes compared with the costs, by what has run so far; 1 before anything has. */
export function paceOf({ done, usedSeconds }: Progress): number {
  const expected = done.reduce((sum, { cost, share }) => sum + cost.once + cost.rounds * share, 0);
  return expected < 30 ? 1 : Math.min(mostPace, Math.max(leastPace, usedSeconds / expected));
}

/** Shares out what a budget leaves. Only rounds shrink: what is done once is done. */
export function forecast(progress: Progress, budgetSeconds: number | undefined): Forecast {
  const pace = paceOf(progress);
  const once = pace * progress.left.reduce((sum, cost) => sum + cost.once, 0);
  const rounds = pace * progress.left.reduce((sum, cost) => sum + cost.rounds, 0);
  const room = budgetSeconds === undefined ? rounds : budgetSeconds - progress.usedSeconds - once;
  const share = rounds <= 0 ? 1 : Math.min(1, Math.max(0, room / rounds));
  return { leftSeconds: once + rounds * share, share };
}

/**
 * Which share of their rounds the sides of a target run, and which the others, when a share of all rounds is left. The
 * others, most of the time, shrink first: a target needs its medians.
 */
export function sharesOf(share: number): { pair: number; others: number } {
  return { pair: Math.min(1, share / 0.35), others: Math.max(0, (share - 0.35) / 0.65) };
}

/** So many of `rounds` repetitions, never none. */
export function shrink(rounds: number, share: number): number {
  return Math.max(1, Math.round(rounds * share));
}
