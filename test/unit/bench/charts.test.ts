import test from 'ava';
import { barChart } from '../../../bench/report/bar-chart.js';
import { formatNumber, formatValue } from '../../../bench/report/format.js';
import { lineChart } from '../../../bench/report/line-chart.js';
import { logTicks } from '../../../bench/report/svg.js';

/** x and width of the bars, in order; the first rectangle is the background. */
function bars(svg: string): { x: number; width: number }[] {
  return [...svg.matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)]
    .slice(1)
    .map(([, x, width]) => ({ x: Number(x), width: Number(width) }));
}

test('bars of ratios start at 1: half and twice the venv are equally long, to either side', (t) => {
  const bar = (value: number) => ({ contender: 'kernel', value, label: '' });
  const [half, twice] = bars(barChart('t', 'ratio', [{ title: 'g', bars: [bar(0.5), bar(2)] }]));
  t.true(Math.abs(half!.width - twice!.width) < 0.2);
  t.true(Math.abs(half!.x + half!.width - twice!.x) < 0.2);
});

test('a title and a label with signs of XML stay text', (t) => {
  const svg = barChart('a < b & "c"', 'value', [
    { title: '<g>', bars: [{ contender: 'x', value: 1, label: '&' }] },
  ]);
  t.true(svg.includes('a &lt; b &amp; &quot;c&quot;'));
  t.true(svg.includes('&lt;g&gt;'));
  t.false(svg.includes('<g>'));
});

test('points of a line lie within the picture, the higher value higher', (t) => {
  const points = [
    { x: 1, y: 10 },
    { x: 1000, y: 20_000 },
  ];
  const svg = lineChart('t', { x: 'x', y: 'y' }, [{ name: 'kernel', group: 'kernel', style: 0, points }]);
  const places = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
    Number(x),
    Number(y),
  ]);
  t.is(places.length, 2);
  t.true(places[0]![0]! < places[1]![0]! && places[0]![1]! > places[1]![1]!);
  for (const [x, y] of places) t.true(x! >= 90 && x! <= 620 && y! >= 50 && y! <= 340);
});

test('a bar of 0 is at the left end and changes no scale', (t) => {
  const chart = (...values: number[]) =>
    bars(
      barChart('t', 'value', [
        { title: 'g', bars: values.map((value) => ({ contender: 'x', value, label: '' })) },
      ]),
    );
  const [zero, hundred] = chart(0, 100);
  t.true(zero!.width < 2 && zero!.x === hundred!.x);
  t.deepEqual(hundred, chart(100)[0]);
  t.is(chart(0).length, 1);
});

test('lines of one group have one colour and are dashed differently', (t) => {
  const points = [
    { x: 1, y: 1 },
    { x: 2, y: 2 },
  ];
  const one = (group: string, style: number) => ({ name: `${group}${style}`, group, style, points });
  const svg = lineChart('t', { x: 'x', y: 'y' }, [one('kernel', 0), one('kernel', 1), one('pth', 0)]);
  const lines = [...svg.matchAll(/<polyline [^>]*stroke="([^"]+)"[^>]*>/g)];
  t.deepEqual(
    lines.map(([text]) => text.includes('stroke-dasharray')),
    [false, true, false],
  );
  t.is(lines[0]![1], lines[1]![1]);
  t.not(lines[0]![1], lines[2]![1]);
});

test('ticks enclose all values, also where all are the same', (t) => {
  for (const values of [[3, 4000], [0.02, 0.5], [7], [1, 1], [10, 1000]]) {
    const ticks = logTicks(values);
    t.true(ticks.length >= 2, `${values}: ${ticks}`);
    t.true(ticks[0]! <= Math.min(...values) && ticks.at(-1)! >= Math.max(...values), `${values}: ${ticks}`);
  }
});

test('numbers keep three significant digits, values get the unit that fits', (t) => {
  t.deepEqual([0.01234, 1.005, 12.34, 123.4, 1234, 0].map(formatNumber), [
    '0.0123',
    '1.00',
    '12.3',
    '123',
    '1,230',
    '0',
  ]);
  t.is(formatValue(999, 'us'), '999 us');
  t.is(formatValue(1500, 'us'), '1.50 ms');
  t.is(formatValue(2500, 'ms'), '2.50 s');
  t.is(formatValue(3 * 2 ** 20, 'bytes'), '3.00 MiB');
  t.is(formatValue(12_345, 'count'), '12,345');
});
