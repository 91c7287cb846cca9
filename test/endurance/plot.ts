import { line, picture, polyline, text } from '../../bench/report/svg.js';
import type { Quantity, Sample } from './flatness.js';
import type { WatchedProcess } from './watch-processes.js';

const width = 820;
const panelHeight = 190;
const left = 70;
const right = 640;
const colours = ['#0969da', '#8250df', '#1a7f37', '#cf222e'];

const panels: readonly { quantity: Quantity; title: string; of(sample: Sample): number }[] = [
  { quantity: 'memoryBytes', title: 'resident memory, MiB', of: ({ memoryBytes }) => memoryBytes / 2 ** 20 },
  { quantity: 'descriptors', title: 'open descriptors', of: ({ descriptors }) => descriptors },
  { quantity: 'threads', title: 'threads', of: ({ threads }) => threads },
];

/** What the processes held over the time, as a picture in SVG: a panel for each quantity, from 0 on. */
export function plot(title: string, processes: readonly WatchedProcess[]): string {
  const endSeconds = Math.max(1, ...processes.map(({ samples }) => samples.at(-1)?.seconds ?? 0));
  const parts = [text(12, 22, title, { size: 14, isBold: true })];
  for (const [index, panel] of panels.entries()) {
    const [top, bottom] = [60 + index * panelHeight, 60 + index * panelHeight + panelHeight - 60];
    const values = processes.map(({ samples }) => samples.map(panel.of));
    const most = niceAbove(Math.max(1, ...values.flat()));
    const x = (seconds: number) => left + (seconds / endSeconds) * (right - left);
    const y = (value: number) => bottom - (value / most) * (bottom - top);
    parts.push(text(left, top - 10, panel.title));
    for (const value of [0, most / 2, most]) {
      parts.push(line([left, y(value)], [right, y(value)], '#e4e7eb'));
      parts.push(text(left - 8, y(value) + 4, String(value), { anchor: 'end', size: 11 }));
    }
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      const seconds = share * endSeconds;
      parts.push(line([x(seconds), top], [x(seconds), bottom], '#e4e7eb'));
      parts.push(
        text(x(seconds), bottom + 16, `${(seconds / 60).toFixed(1)} min`, { anchor: 'middle', size: 11 }),
      );
    }
    for (const [number, { name, samples }] of processes.entries()) {
      const colour = colours[number % colours.length]!;
      parts.push(
        polyline(
          samples.map((sample) => [x(sample.seconds), y(panel.of(sample))] as const),
          colour,
        ),
      );
      parts.push(
        text(right + 14, top + 12 + number * 18, `${name} ${processes[number]!.pid}`, { fill: colour }),
      );
    }
  }
  return picture(width, 60 + panels.length * panelHeight, title, parts);
}

/** 1, 2 or 5 times a power of ten, above the value. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= value)!;
}
