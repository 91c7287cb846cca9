import { formatTick } from './format.js';
import { colourOf, line, logTicks, picture, rect, text } from './svg.js';

export interface Bar {
  contender: string;
  /** A ratio to the venv, or a value; 0 has no bar, because the scale is logarithmic. */
  value: number;
  /** What is written beside the bar. */
  label: string;
}

export interface BarGroup {
  title: string;
  bars: readonly Bar[];
}

const width = 820;
const left = 170;
const right = 190;
const top = 62;
const barHeight = 15;
const groupGap = 34;

/**
 * Groups of horizontal bars on one logarithmic scale. Of ratios, bars start at 1: to the left is less than the
 * venv, to the right is more. Of values, they start at the scale's left end.
 */
export function barChart(
  title: string,
  kind: 'ratio' | 'value',
  groups: readonly BarGroup[],
  unit = '',
): string {
  const drawn = groups.flatMap(({ bars }) => bars.map(({ value }) => value)).filter((value) => value > 0);
  const values = drawn.length > 0 ? drawn : [1];
  const ticks = logTicks(kind === 'ratio' ? [...values, 0.9, 1.1] : [...values, Math.min(...values) / 1.5]);
  const [least, most] = [Math.log(ticks[0]!), Math.log(ticks.at(-1)!)];
  const x = (value: number) =>
    value <= 0 ? left : left + ((Math.log(value) - least) / (most - least)) * (width - left - right);
  const height = top + groups.reduce((sum, { bars }) => sum + bars.length * barHeight + groupGap, 0) + 12;
  const parts = [text(12, 22, title, { size: 15, isBold: true }), ...scale(kind, { ticks, x, height, unit })];
  let y = top;
  for (const group of groups) {
    parts.push(text(12, y + 14, group.title, { isBold: true }));
    y += 22;
    for (const bar of group.bars) {
      parts.push(...drawBar(bar, y, x(kind === 'ratio' ? 1 : ticks[0]!), x(bar.value)));
      y += barHeight;
    }
    y += groupGap - 22;
  }
  return picture(width, height, title, parts);
}

interface Scale {
  ticks: readonly number[];
  x(value: number): number;
  height: number;
  unit: string;
}

function scale(kind: 'ratio' | 'value', { ticks, x, height, unit }: Scale): string[] {
  const caption =
    kind === 'ratio'
      ? 'times the venv on disk (logarithmic; less is better)'
      : `${unit} (logarithmic; less is better)`;
  return [
    text(left, 40, caption, { size: 11, fill: '#57606a' }),
    ...ticks.flatMap((tick) => [
      line(
        [x(tick), top - 4],
        [x(tick), height - 12],
        kind === 'ratio' && tick === 1 ? '#57606a' : '#e4e7eb',
      ),
      text(x(tick), top - 8, formatTick(tick), { anchor: 'middle', size: 10, fill: '#57606a' }),
    ]),
  ];
}

function drawBar({ contender, label }: Bar, y: number, from: number, to: number): string[] {
  const isOurs = ['kernel', 'shenv-fs'].includes(contender);
  return [
    text(left - 8, y + 11, contender, { anchor: 'end', size: 11, isBold: isOurs }),
    rect(Math.min(from, to), y + 2, Math.max(1.5, Math.abs(to - from)), barHeight - 4, colourOf(contender)),
    text(Math.max(from, to) + 5, y + 11, label, { size: 10, fill: '#57606a' }),
  ];
}
