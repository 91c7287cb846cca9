import { type Result, type Row, ratioOf, type Slope, sameCase } from './result.js';

/** How much worse than before is still taken for noise. Times are never compared, only their ratios. */
export interface Tolerances {
  /** Factor on a ratio to the venv. */
  ratio: number;
  /** Factor on a count, and what may always be added to it. */
  count: number;
  countSlack: number;
  /** Added to the exponent of a growth: a change from O(1) to O(n) adds 1. */
  exponent: number;
}

export const tolerances: Tolerances = { ratio: 1.5, count: 1.1, countSlack: 8, exponent: 0.35 };

export interface Regression {
  what: string;
  before: number;
  now: number;
  limit: number;
}

/**
 * What is worse in `now` than in `before`, of the given contenders. Cases that only one of them has are not
 * compared; `compared` says how many were, so that comparing nothing is seen.
 */
export function findRegressions(
  before: Result,
  now: Result,
  contenders: ReadonlySet<string>,
  allowed: Tolerances = tolerances,
): { regressions: Regression[]; compared: number } {
  const checks = [
    ...now.rows
      .filter(({ contender }) => contenders.has(contender))
      .map((row) => compareRow(before, now, row, allowed)),
    ...now.slopes
      .filter(({ contender }) => contenders.has(contender))
      .map((slope) => compareSlope(before, slope, allowed)),
  ].filter((check) => check !== undefined);
  return { regressions: checks.filter((check) => check.now > check.limit), compared: checks.length };
}

function compareRow(before: Result, now: Result, row: Row, allowed: Tolerances): Regression | undefined {
  const old = before.rows.find((other) => sameCase(other, row) && other.contender === row.contender);
  if (!old) return undefined;
  const what = `${row.trial}: ${row.case} (${row.contender})`;
  if (row.unit === 'count') {
    const limit = old.median * allowed.count + allowed.countSlack;
    return { what, before: old.median, now: row.median, limit };
  }
  const [was, is] = [ratioOf(before.rows, old), ratioOf(now.rows, row)];
  if (was === undefined || is === undefined) return undefined;
  return { what: `${what}, ratio`, before: was, now: is, limit: was * allowed.ratio };
}

function compareSlope(before: Result, slope: Slope, allowed: Tolerances): Regression | undefined {
  const old = before.slopes.find(
    (other) =>
      other.trial === slope.trial &&
      other.figure === slope.figure &&
      other.over === slope.over &&
      other.contender === slope.contender,
  );
  if (!old) return undefined;
  const what = `${slope.trial}: ${slope.figure} over ${slope.over} (${slope.contender}), exponent`;
  return { what, before: old.exponent, now: slope.exponent, limit: old.exponent + allowed.exponent };
}
