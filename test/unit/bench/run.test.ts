import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Bench } from '../../../bench/run/bench.js';
import { buildClient, passes } from '../../../bench/run/client.js';
import { must, wallMs } from '../../../bench/run/commands.js';
import { leastCounts, requestsBetween } from '../../../bench/run/requests-of.js';
import { takeTurns } from '../../../bench/run/turns.js';
import { generatedSet } from '../../../bench/run/wheel-set.js';
import { anyInterpreter } from '../../support/interpreters.js';

async function benchOf(t: ExecutionContext): Promise<Bench> {
  const python = await anyInterpreter();
  const common = { isQuick: true, rounds: 1, slowRounds: 1, cache: '/nonexistent', uv: 'uv' };
  const bench = await Bench.make({
    ...common,
    sets: undefined,
    pythons: undefined,
    python,
    say: () => undefined,
  });
  t.teardown(() => bench.end());
  return bench;
}

test('everything is undone, the last thing first, also after one that fails; failures are named', async (t) => {
  const bench = await benchOf(t);
  const undone: string[] = [];
  bench.defer('first', async () => undone.push('first'));
  bench.defer('second', () => Promise.reject(new Error('stuck')));
  bench.defer('third', async () => undone.push('third'));
  t.deepEqual(await bench.end(), ['second: Error: stuck']);
  t.deepEqual(undone, ['third', 'first']);
  await t.throwsAsync(stat(bench.folder), { code: 'ENOENT' });
});

test('a part that fails is named as left out and the rest goes on; an interruption ends the run', async (t) => {
  const bench = await benchOf(t);
  await bench.attempt('the part', () => Promise.reject(new Error('broken\nmore')));
  t.deepEqual(bench.skipped, [{ what: 'the part', why: 'failed: broken' }]);
  bench.interrupt();
  await t.throwsAsync(
    bench.attempt('the next', async () => t.fail('it has begun')),
    { message: 'interrupted' },
  );
});

test('sides take turns, back and forth, and what a warm-up gives does not count', async (t) => {
  const bench = await benchOf(t);
  const order: string[] = [];
  const samples = await takeTurns(bench, ['a', 'b'], 2, async (side) => order.push(side), 1);
  t.deepEqual(order, ['b', 'a', 'a', 'b', 'b', 'a']);
  t.deepEqual(
    [...samples],
    [
      ['a', [3, 6]],
      ['b', [4, 5]],
    ],
  );
});

test('a side takes part in as many rounds as it has, all beginning in the first', async (t) => {
  const bench = await benchOf(t);
  const order: string[] = [];
  const samples = await takeTurns(
    bench,
    ['a', 'b'],
    (side) => (side === 'a' ? 3 : 1),
    async (side) => order.push(side),
  );
  t.deepEqual(order, ['a', 'b', 'a', 'a']);
  t.deepEqual(samples.get('b'), [2]);
});

test('a side that has taken its time takes part no more', async (t) => {
  const bench = await benchOf(t);
  const found = await takeTurns(
    bench,
    ['slow', 'quick'],
    (side, spentMs) => (side === 'slow' && spentMs > 20 ? 0 : 3),
    async (side) => {
      const end = performance.now() + (side === 'slow' ? 25 : 0);
      while (performance.now() < end);
      return 1;
    },
  );
  t.deepEqual(
    [...found],
    [
      ['slow', [1]],
      ['quick', [1, 1, 1]],
    ],
  );
});

test('a pass that takes long is followed by one more, however many were asked for', async (t) => {
  const bench = await benchOf(t);
  const client = await buildClient(bench, 'fsclient');
  const list = join(bench.folder, 'list');
  await writeFile(list, `d ${bench.folder}\n`);
  t.is((await must(client, ['stat', list, '100000', '0'])).trim().split('\n').length, 2);
  t.is((await must(client, ['stat', list, '3', '60000'])).trim().split('\n').length, 3);
});

test('what was sent between two readings: FORGET is none of it, READ is named also where there was none', (t) => {
  const sent = requestsBetween(
    { LOOKUP: 5, READ: 2, FORGET: 1 },
    { LOOKUP: 8, READ: 2, FORGET: 9, GETATTR: 0 },
  );
  t.deepEqual(
    [...sent],
    [
      ['LOOKUP', 3],
      ['READ', 0],
      ['all', 3],
    ],
  );
});

test('counts are the least of tries, which end when two agree', async (t) => {
  const take = async (...all: number[]) => {
    const left = [...all];
    const least = await leastCounts(
      async () =>
        new Map([
          ['READ', left.shift()!],
          ['all', 9],
        ]),
    );
    return [least.get('READ'), all.length - left.length];
  };
  t.deepEqual(await take(31, 31), [31, 2]);
  t.deepEqual(await take(60, 31, 31), [31, 3]);
  t.deepEqual(await take(31, 60, 59, 58), [31, 4]);
});

test('growth is fitted through the medians of one figure alone', async (t) => {
  const bench = await benchOf(t);
  for (const [count, ms] of [
    [10, 5],
    [100, 50],
  ] as const) {
    bench.record('growth', `${count} distributions, create`, 'kernel', 'ms', [ms]);
    bench.record('growth', `${count} distributions, recreate`, 'kernel', 'ms', [1]);
    bench.record('growth', `${count} distributions, create`, 'venv', 'ms', [1]);
  }
  bench.recordGrowthOf({
    trial: 'growth',
    figure: 'create',
    contender: 'kernel',
    over: 'distributions',
    unit: 'ms',
  });
  t.is(bench.slopes.length, 1);
  t.true(Math.abs(bench.slopes[0]!.exponent - 1) < 1e-9);
  t.true(Math.abs(bench.slopes[0]!.perItem - 0.5) < 1e-9);
});

test('a command that does not end by its deadline fails', async (t) => {
  await t.throwsAsync(must('sleep', ['60'], { timeoutMs: 100 }), { message: /deadline/ });
  await t.throwsAsync(wallMs('sleep', ['60'], { timeoutMs: 100 }), { message: /SIGTERM/ });
  await t.throwsAsync(wallMs('false', []), { message: /ended with 1/ });
});

test('the native client counts each folder and each file once, and refuses what it cannot read', async (t) => {
  const bench = await benchOf(t);
  const client = await buildClient(bench, 'fsclient');
  const { wheels } = await generatedSet(bench, 3);
  const list = join(bench.folder, 'list');
  const text = await must(client, ['collect', wheels]);
  t.deepEqual(
    text
      .trim()
      .split('\n')
      .map((line) => line[0])
      .sort(),
    ['d', 'f', 'f', 'f'],
  );
  await writeFile(list, text);
  t.is((await must(client, ['stat', list, '1'])).split(' ')[0], '4');
  t.is((await must(client, ['listdir', list, '1', 'each'])).trim().split(' ').length, 5);
  t.is((await passes(client, 'missing', list, 3)).length, 3);
  await t.throwsAsync(passes(client, 'read', list, 1), { message: /nothing for the trial read/ });
  await writeFile(list, 'f /nonexistent\n');
  await t.throwsAsync(must(client, ['stat', list, '1']), { message: /No such file/ });
});
