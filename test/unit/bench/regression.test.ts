import test from 'ava';
import { judge } from '../../../bench/report/goals.js';
import { describeCheck, findRegressions } from '../../../bench/report/regression.js';
import { ratioOf } from '../../../bench/report/result.js';
import { resultOf, rowOf, slopeOf } from '../../support/bench-results.js';

const own = new Set(['kernel']);

test('a ratio is to the venv of the same trial and the same case', (t) => {
  const rows = [
    rowOf('stat', 'hit, warm', 'venv', 2),
    rowOf('stat', 'miss, warm', 'venv', 8),
    rowOf('stat', 'hit, warm', 'kernel', 3),
    rowOf('stat', 'other', 'kernel', 3),
  ];
  t.is(ratioOf(rows, rows[2]!), 1.5);
  t.is(ratioOf(rows, rows[3]!), undefined);
});

test('a machine on which everything takes twice as long has no regression', (t) => {
  const take = (factor: number) =>
    resultOf([rowOf('stat', 'hit', 'venv', 2 * factor), rowOf('stat', 'hit', 'kernel', 2.4 * factor)]);
  const { regressions, compared } = findRegressions(take(1), take(2), own);
  t.deepEqual({ regressions, compared }, { regressions: [], compared: 1 });
});

test('a ratio that grew by more than the tolerance is a regression, of the named contenders only', (t) => {
  const take = (kernel: number, squashfs: number) =>
    resultOf([
      rowOf('stat', 'hit', 'venv', 2),
      rowOf('stat', 'hit', 'kernel', kernel),
      rowOf('stat', 'hit', 'squashfs', squashfs),
    ]);
  t.deepEqual(findRegressions(take(2, 2), take(2.9, 9), own).regressions, []);
  const { regressions } = findRegressions(take(2, 2), take(3.1, 2), own);
  t.deepEqual(
    regressions.map(({ what, before, now }) => ({ what, before, now })),
    [{ what: 'stat: hit (kernel), ratio', before: 1, now: 1.55 }],
  );
});

test('one more request for each of many modules is a regression; a few more in all are not', (t) => {
  const take = (count: number) => resultOf([rowOf('requests', 'LOOKUP', 'kernel', count, 'count')]);
  t.is(findRegressions(take(1000), take(1050), own).regressions.length, 0);
  t.is(findRegressions(take(1000), take(2000), own).regressions.length, 1);
  t.is(findRegressions(take(0), take(5), own).regressions.length, 0);
  t.is(findRegressions(take(0), take(500), own).regressions.length, 1);
});

test('a check says what it compared and fails when one count of a committed result got worse', (t) => {
  const take = (lookups: number) =>
    resultOf([
      rowOf('counts', '10 distributions, dropped, LOOKUP', 'kernel', lookups, 'count'),
      rowOf('counts', '10 distributions, dropped, READ', 'kernel', 30, 'count'),
      rowOf('counts', '10 distributions, dropped, READ', 'pth', 30, 'count'),
    ]);
  const same = describeCheck(findRegressions(take(90), take(90), own), 'r.json');
  t.deepEqual(same, {
    isWorse: false,
    lines: ['compared counts, kernel: 2 figures', '2 figures compared with r.json: 0 worse'],
  });
  const worse = describeCheck(findRegressions(take(90), take(180), own), 'r.json');
  t.true(worse.isWorse);
  t.regex(
    worse.lines.join('\n'),
    /WORSE counts: 10 distributions, dropped, LOOKUP \(kernel\): 180, was 90\.0/,
  );
});

test('requests are compared between equal releases of the kernel alone, and a check says when they are not', (t) => {
  const take = (kernel: string, count: number) => {
    const rows = ['dropped, LOOKUP', 'mount operations'].map((name) =>
      rowOf('counts', `10 distributions, ${name}`, 'kernel', count, 'count'),
    );
    return resultOf(rows, { machine: { ...resultOf([]).machine, kernel } });
  };
  t.is(findRegressions(take('6.1.5', 90), take('6.1.7', 180), own).regressions.length, 2);
  const other = findRegressions(take('6.1.5', 90), take('6.18.1', 180), own);
  t.deepEqual(
    other.regressions.map(({ what }) => what),
    ['counts: 10 distributions, mount operations (kernel)'],
  );
  t.regex(
    describeCheck(other, 'r').lines.join('\n'),
    /requests were not compared: Linux 6\.18 now, 6\.1 then/,
  );
});

test('bytes without a venv beside them are compared as they are; the memory of a process is not', (t) => {
  const take = (bytes: number) =>
    resultOf([
      rowOf('counts', 'own bytes', 'kernel', bytes, 'bytes'),
      rowOf('space', 'memory of the daemon, walked', 'kernel', bytes, 'bytes'),
    ]);
  const { regressions, compared } = findRegressions(take(8192), take(65_536), own);
  t.is(compared, 1);
  t.deepEqual(
    regressions.map(({ what }) => what),
    ['counts: own bytes (kernel)'],
  );
});

test('a count that begins to grow with the number of distributions is a regression, before it has doubled', (t) => {
  const take = (exponent: number) =>
    resultOf([], { slopes: [{ ...slopeOf('kernel', exponent), unit: 'count' }] });
  t.is(findRegressions(take(0), take(0.1), own).regressions.length, 0);
  t.is(findRegressions(take(0), take(0.3), own).regressions.length, 1);
});

test('a lookup that becomes linear in the number of distributions is a regression', (t) => {
  const take = (exponent: number) => resultOf([], { slopes: [slopeOf('kernel', exponent)] });
  t.is(findRegressions(take(0.05), take(0.2), own).regressions.length, 0);
  t.is(findRegressions(take(0.05), take(1), own).regressions.length, 1);
});

test('what only one of two results has is not compared, and the number of comparisons tells it', (t) => {
  const before = resultOf([rowOf('requests', 'READ', 'kernel', 1, 'count')]);
  const now = resultOf([rowOf('requests', 'LOOKUP', 'kernel', 1, 'count')]);
  const comparison = findRegressions(before, now, own);
  t.is(comparison.compared, 0);
  const { lines, isWorse } = describeCheck(comparison, 'r.json');
  t.true(isWorse);
  t.regex(lines.at(-1)!, /nothing could be compared with r\.json/);
});

test('a goal is judged by the ratio in its own case', (t) => {
  const rows = [rowOf('stat', 'hit, warm', 'venv', 10), rowOf('stat', 'hit, warm', 'kernel', 12.1)];
  const goal = { trial: 'stat', case: /^hit, warm$/, most: 1.2, of: 'ratio' } as const;
  t.deepEqual(judge({ rows }, [goal]), [
    {
      ...{ trial: 'stat', case: 'hit, warm', contender: 'kernel', unit: 'us', of: 'ratio' },
      ...{ most: 1.2, found: 1.21, isMet: false },
    },
  ]);
  t.true(judge({ rows }, [{ ...goal, most: 1.21 }])[0]!.isMet);
});
