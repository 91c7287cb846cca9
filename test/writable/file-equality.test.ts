import { randomInt } from 'node:crypto';
import test from 'ava';
import { skip } from '../support/interpreters.js';
import { engines } from '../support/mounts.js';
import { compareTwins, describeEquality, type EqualityOptions } from './file-equality.js';

/** The whole form is `npm run equality:files`. */
const seed = Number(process.env.SHENV_EQUALITY_SEED || randomInt(2 ** 31));
const steps = Number(process.env.SHENV_EQUALITY_STEPS || 150);
const options = { seed, steps, every: 50 };

const forms: [string, Partial<EqualityOptions>][] = [
  ['by one process', {}],
  ['by several processes at once', { isShared: true }],
  ['by a user who is not root', { isUnprivileged: true }],
  ['while the serving process dies', { hasDeaths: true }],
];
for (const [title, form] of engines.includes('kernel') ? forms : [])
  test.serial(
    `file operations ${title} give the same in a writable environment as on the disk`,
    async (t) => {
      if (form.isUnprivileged && process.getuid?.() !== 0)
        return skip(t, 'only root can become another user');
      t.log(`SHENV_EQUALITY_SEED=${seed}`);
      const report = await compareTwins({ ...options, ...form });
      t.log(describeEquality(options, report));
      t.deepEqual(report.differences, []);
    },
  );

test.serial(
  'one sequence of file operations gives the same on two plain folders, so that a difference means something',
  async (t) => {
    t.log(`SHENV_EQUALITY_SEED=${seed}`);
    const report = await compareTwins({ ...options, isPlain: true });
    t.log(describeEquality(options, report));
    t.deepEqual(report.differences, []);
  },
);

test.serial('one chmod that is left out is told as a difference', async (t) => {
  const report = await compareTwins({ seed: 1, steps: 150, every: 50, isPlain: true, fault: 'chmod:3' });
  t.regex(report.differences.join('\n'), /mode/);
});
