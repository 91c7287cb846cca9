import { formatRatio, formatValue } from './format.js';
import { judge } from './goals.js';
import { type Result, ratioOf } from './result.js';

/** What the run prints at its end: every case with its ratios, growth, targets, what was left out. */
export function describeResult(result: Result): string {
  return [...cases(result), ...growth(result), ...verdicts(result), ...leftOut(result)].join('\n');
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
  return judge(result).map(
    ({ trial, case: name, found, most, isMet }) =>
      `target ${isMet ? 'met   ' : 'MISSED'} ${trial}: ${name}: ${formatRatio(found)}, at most ${most}`,
  );
}

function leftOut({ skipped }: Result): string[] {
  return skipped.map(({ what, why }) => `left out: ${what}: ${why}`);
}
