import { formatTick } from './format.js';
import type { Point } from './statistics.js';
import { dot, line, lineColours, logTicks, picture, polyline, text } from './svg.js';

export interface Series {
  name: string;
  /** Series of one group have one colour. */
  group: string;
  /** How the line is drawn: 0 is whole, others are dashed in different ways. */
  style: number;
  /** Ascending in x; all above 0. */
  points: readonly Point[];
}

const width = 820;
const height = 400;
const box = { left: 90, right: 620, top: 50, bottom: 340 };

/** Both scales are logarithmic, so that a straight line's steepness is the exponent. */
export function lineChart(title: string, axes: { x: string; y: string }, series: readonly Series[]): string {
  const points = series.flatMap((one) => one.points);
  const x = axis(
    points.map((point) => point.x),
    box.left,
    box.right,
  );
  const y = axis(
    points.map((point) => point.y),
    box.bottom,
    box.top,
  );
  const colours = lineColours([...new Set(series.map(({ group }) => group))]);
  const parts = [text(12, 22, title, { size: 15, isBold: true })];
  for (const tick of x.ticks) {
    parts.push(line([x.at(tick), box.top], [x.at(tick), box.bottom], '#e4e7eb'));
    parts.push(text(x.at(tick), box.bottom + 18, formatTick(tick), { anchor: 'middle', size: 11 }));
  }
  for (const tick of y.ticks) {
    parts.push(line([box.left, y.at(tick)], [box.right, y.at(tick)], '#e4e7eb'));
    parts.push(text(box.left - 8, y.at(tick) + 4, formatTick(tick), { anchor: 'end', size: 11 }));
  }
  parts.push(text((box.left + box.right) / 2, box.bottom + 40, axes.x, { anchor: 'middle' }));
  parts.push(text(box.left - 78, box.top - 10, axes.y));
  for (const one of series) {
    const colour = colours.get(one.group)!;
    const places = one.points.map((point) => [x.at(point.x), y.at(point.y)] as const);
    parts.push(polyline(places, colour, dashOf(one)), ...places.map(([left, top]) => dot(left, top, colour)));
  }
  parts.push(...legend(series, colours));
  return picture(width, height, title, parts);
}

const dashes = ['', '7 4', '2 3', '10 3 2 3'];

function dashOf({ style }: Series): string {
  return dashes[style % dashes.length]!;
}

interface Axis {
  ticks: number[];
  at(value: number): number;
}

function axis(values: readonly number[], from: number, to: number): Axis {
  const ticks = logTicks(values);
  const [least, most] = [Math.log(ticks[0]!), Math.log(ticks.at(-1)!)];
  return { ticks, at: (value) => from + ((Math.log(value) - least) / (most - least || 1)) * (to - from) };
}

/** Names in the order of the lines' right ends, from the top. */
function legend(series: readonly Series[], colours: ReadonlyMap<string, string>): string[] {
  const last = ({ points }: Series) => points.at(-1)?.y ?? 0;
  return [...series]
    .sort((a, b) => last(b) - last(a))
    .flatMap((one, index) => {
      const y = box.top + 8 + index * 20;
      const colour = colours.get(one.group)!;
      return [
        line([box.right + 14, y], [box.right + 38, y], colour, { width: 2, dash: dashOf(one) }),
        text(box.right + 44, y + 4, one.name, { size: 11 }),
      ];
    });
}
