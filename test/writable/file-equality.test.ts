import { randomInt } from 'node:crypto';
import test from 'ava';
import { compareTwins, describeEquality } from './file-equality.js';

/** The whole form is `npm run equality:files`. */
const seed = Number(process.env.SHENV_EQUALITY_SEED || randomInt(2 ** 31));
const options = { seed, steps: 150, every: 50 };

test('one sequence of file operations gives the same on two plain folders, so that a difference means something', async (t) => {
  t.log(`SHENV_EQUALITY_SEED=${seed}`);
  const report = await compareTwins({ ...options, isPlain: true });
  t.log(describeEquality(options, report));
  t.deepEqual(report.differences, []);
});

test('one chmod that is left out is told as a difference', async (t) => {
  const report = await compareTwins({ seed: 1, steps: 150, every: 50, isPlain: true, fault: 'chmod:3' });
  t.regex(report.differences.join('\n'), /mode/);
});
