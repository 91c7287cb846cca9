import test from 'ava';
import { fitGrowth, median, percentile, summarize } from '../../../bench/report/statistics.js';

test('the median of an even number of samples lies between the middle two', (t) => {
  t.is(median([9, 1, 3, 5]), 4);
  t.is(median([9, 1, 3]), 3);
});

test('a percentile is a sample that was measured: the least that so many do not exceed', (t) => {
  const sorted = Array.from({ length: 200 }, (_, index) => index + 1);
  t.is(percentile(sorted, 0.99), 198);
  t.is(percentile(sorted, 0.5), 100);
  t.is(percentile([7], 0.99), 7);
  t.is(percentile([7, 8], 0), 7);
});

test('a summary sorts by number, not by text', (t) => {
  t.deepEqual(summarize([10, 9, 100]), { count: 3, min: 9, median: 10, p99: 100, max: 100 });
});

test('no samples have no summary', (t) => {
  t.throws(() => summarize([]), { message: /no samples/ });
});

test('what is constant grows with exponent 0, what is linear with 1, what is quadratic with 2', (t) => {
  const points = (law: (x: number) => number) => [10, 30, 100, 1000].map((x) => ({ x, y: law(x) }));
  const near = (value: number, wanted: number) => t.true(Math.abs(value - wanted) < 1e-9, `${value}`);
  near(fitGrowth(points(() => 7)).exponent, 0);
  near(fitGrowth(points(() => 7)).perItem, 0);
  near(fitGrowth(points((x) => 3 * x)).exponent, 1);
  near(fitGrowth(points((x) => 5 + 3 * x)).perItem, 3);
  near(fitGrowth(points((x) => x * x)).exponent, 2);
});

test('a slope through one place is refused', (t) => {
  t.throws(
    () =>
      fitGrowth([
        { x: 5, y: 1 },
        { x: 5, y: 2 },
      ]),
    { message: /two different places/ },
  );
});
