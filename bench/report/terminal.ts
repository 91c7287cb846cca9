import { formatRatio, formatValue } from './format.js';
import { describeVerdict, judge } from './goals.js';
import { type Result, ratioOf } from './result.js';

/** What the run prints at its end: every case with its ratios, growth, targets, what was left out. */
export function describeResult(result: Result): string {
  return [
    ...cases(result),
    ...growth(result),
    ...times(result),
    ...leftOut(result),
    ...verdicts(result),
  ].join('\n');
}

function cases({ rows }: Result): string[] {
  const lines: string[] = [];
  let last = '';
  for (const row of rows) {
    const head = `${row.trial}: ${row.case}`;
    if (head !== last) lines.push(head);
    last = head;
    const spread = `${formatValue(row.min, row.unit)} to ${formatValue(row.max, row.unit)}, ${row.count} samples`;
    const ratio = formatRatio(ratioOf(rows, row)).padStart(8);
    lines.push(
      `  ${row.contender.padEnd(34)}${ratio} x${formatValue(row.median, row.unit).padStart(12)}  (${spread})`,
    );
  }
  return lines;
}

function growth({ slopes }: Result): string[] {
  return slopes.map(
    ({ trial, figure, contender, over, exponent, perItem, unit }) =>
      `${trial}: ${figure} over ${over}, ${contender}: exponent ${exponent.toFixed(2)}, ${formatValue(perItem, unit)} for each`,
  );
}

function verdicts(result: Result): string[] {
  return judge(result).map((verdict) => {
    const { trial, case: name, contender, isMet } = verdict;
    const { most, found, missedBy } = describeVerdict(verdict);
    const missed = isMet ? '' : `, missed by ${missedBy}`;
    return `target ${isMet ? 'met   ' : 'MISSED'} ${trial}: ${name} (${contender}): ${found}, at most ${most}${missed}`;
  });
}

function times({ trialSeconds = {}, shrunk = [] }: Result): string[] {
  return Object.entries(trialSeconds).map(([trial, seconds]) => {
    const share = shrunk.find((one) => one.trial === trial)?.share;
    return `${trial}: ${seconds} s${share === undefined ? '' : `, with ${Math.round(share * 100)} % of its rounds`}`;
  });
}

function leftOut({ skipped }: Result): string[] {
  return skipped.map(({ what, why }) => `left out: ${what}: ${why}`);
}
