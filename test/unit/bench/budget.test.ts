import test from 'ava';
import { forecast, paceOf, sharesOf, shrink } from '../../../bench/run/budget.js';

const cost = { once: 60, rounds: 240 };

test('without a budget all rounds run, and the forecast is the costs of what is left', (t) => {
  t.deepEqual(forecast({ done: [], left: [cost, cost], usedSeconds: 0 }, undefined), {
    leftSeconds: 600,
    share: 1,
  });
});

test('a budget shrinks rounds and never what is done once', (t) => {
  const { share, leftSeconds } = forecast({ done: [], left: [cost, cost], usedSeconds: 0 }, 360);
  t.is(share, 0.5);
  t.is(leftSeconds, 360);
  t.is(forecast({ done: [], left: [cost], usedSeconds: 0 }, 10).share, 0);
  t.is(forecast({ done: [], left: [cost], usedSeconds: 0 }, 10_000).share, 1);
});

test('a machine that takes twice as long has half the rounds left, and one that is fast gets them back', (t) => {
  const progress = { done: [{ cost, share: 1 }], left: [cost], usedSeconds: 600 };
  t.is(paceOf(progress), 2);
  t.is(forecast(progress, 600 + 120 + 240).share, 0.5);
  t.is(forecast({ ...progress, usedSeconds: 300 }, 960).share, 1);
});

test('the pace is believed only when half a minute was expected, and within bounds', (t) => {
  t.is(paceOf({ done: [{ cost: { once: 5, rounds: 5 }, share: 1 }], left: [], usedSeconds: 100 }), 1);
  t.is(paceOf({ done: [{ cost, share: 1 }], left: [], usedSeconds: 30_000 }), 4);
});

test('there is always one round', (t) => {
  t.deepEqual(
    [1, 0.5, 0.3, 0.01, 0].map((share) => shrink(5, share)),
    [5, 3, 2, 1, 1],
  );
});

test('the others shrink to one round before the sides of a target lose any', (t) => {
  t.deepEqual(sharesOf(1), { pair: 1, others: 1 });
  t.is(sharesOf(0.5).pair, 1);
  t.true(sharesOf(0.5).others < 0.25);
  t.deepEqual(sharesOf(0.35), { pair: 1, others: 0 });
  t.true(sharesOf(0.2).pair < 1);
});
