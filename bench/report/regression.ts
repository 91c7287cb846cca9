import { formatNumber } from './format.js';
import { type Result, type Row, ratioOf, type Slope, sameCase } from './result.js';

/** How much worse than before is still taken for noise. Times are never compared, only their ratios. */
export interface Tolerances {
  /** Factor on a ratio to the venv. */
  ratio: number;
  /** Factor on a count, and what may always be added to it. */
  count: number;
  countSlack: number;
  /** Bytes that may always be added to bytes: blocks of a folder differ from one file system to the next. */
  bytesSlack: number;
  /** Added to the exponent of a growth: a change from O(1) to O(n) adds 1. */
  exponent: number;
  /** The same for the growth of counts, which has no noise. */
  countExponent: number;
}

export const tolerances: Tolerances = {
  ratio: 1.5,
  count: 1.1,
  countSlack: 8,
  bytesSlack: 16_384,
  exponent: 0.35,
  countExponent: 0.15,
};

/** What a process occupies is no count: a collector takes its time. */
const memory = /memory/;

export interface Regression {
  trial: string;
  contender: string;
  what: string;
  before: number;
  now: number;
  limit: number;
}

export interface Comparison {
  regressions: Regression[];
  /** How many figures both results have; comparing nothing is no success. */
  compared: number;
  /** What was compared, a line for each trial and contender. */
  groups: string[];
  /** What was left out, and why. */
  notes: string[];
}

/**
 * What is worse in `now` than in `before`, of the given contenders. Cases that only one of them has are not
 * compared.
 */
export function findRegressions(
  before: Result,
  now: Result,
  contenders: ReadonlySet<string>,
  allowed: Tolerances = tolerances,
): Comparison {
  const isSameKernel = releaseOf(before) === releaseOf(now);
  const checks = [
    ...now.rows
      .filter(({ contender }) => contenders.has(contender))
      .filter((row) => isSameKernel || !isOfKernel(row))
      .map((row) => compareRow(before, now, row, allowed)),
    ...now.slopes
      .filter(({ contender }) => contenders.has(contender))
      .map((slope) => compareSlope(before, slope, allowed)),
  ].filter((check) => check !== undefined);
  const notes = isSameKernel
    ? []
    : [`requests were not compared: Linux ${releaseOf(now)} now, ${releaseOf(before)} then`];
  const groups = new Map<string, number>();
  for (const { trial, contender } of checks) {
    const group = `${trial}, ${contender}`;
    groups.set(group, (groups.get(group) ?? 0) + 1);
  }
  return {
    regressions: checks.filter((check) => check.now > check.limit),
    compared: checks.length,
    groups: [...groups].map(([group, count]) => `${group}: ${count} figures`),
    notes,
  };
}

/** `6.18` of `6.18.44-generic`. */
function releaseOf({ machine }: Result): string {
  return machine.kernel.split('.').slice(0, 2).join('.');
}

/** What a kernel asks for is its own choice: another release may ask more. */
function isOfKernel({ trial, unit, case: name }: Row): boolean {
  return (
    unit === 'count' && (trial === 'requests' || /, (dropped|again|second environment|listing), /.test(name))
  );
}

/** What a check prints, and whether it fails. */
export function describeCheck(
  { regressions, compared, groups, notes }: Comparison,
  file: string,
): { lines: string[]; isWorse: boolean } {
  const lines = [
    ...groups.map((group) => `compared ${group}`),
    ...notes,
    ...regressions.map(
      ({ what, before, now, limit }) =>
        `WORSE ${what}: ${formatNumber(now)}, was ${formatNumber(before)}, at most ${formatNumber(limit)}`,
    ),
    compared === 0
      ? `nothing could be compared with ${file}: the two results have no case in common`
      : `${compared} figures compared with ${file}: ${regressions.length} worse`,
  ];
  return { lines, isWorse: regressions.length > 0 || compared === 0 };
}

function compareRow(before: Result, now: Result, row: Row, allowed: Tolerances): Regression | undefined {
  const old = before.rows.find((other) => sameCase(other, row) && other.contender === row.contender);
  if (!old) return undefined;
  const { trial, contender, unit } = row;
  const what = `${trial}: ${row.case} (${contender})`;
  const [was, is] = [ratioOf(before.rows, old), ratioOf(now.rows, row)];
  const isBytes = unit === 'bytes' && is === undefined && !memory.test(row.case);
  if (unit === 'count' || isBytes) {
    const limit = old.median * allowed.count + (unit === 'count' ? allowed.countSlack : allowed.bytesSlack);
    return { trial, contender, what, before: old.median, now: row.median, limit };
  }
  if (was === undefined || is === undefined) return undefined;
  return { trial, contender, what: `${what}, ratio`, before: was, now: is, limit: was * allowed.ratio };
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
  const { trial, contender, unit } = slope;
  const what = `${trial}: ${slope.figure} over ${slope.over} (${contender}), exponent`;
  const limit = old.exponent + (unit === 'count' ? allowed.countExponent : allowed.exponent);
  return { trial, contender, what, before: old.exponent, now: slope.exponent, limit };
}
