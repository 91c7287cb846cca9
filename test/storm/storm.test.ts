import { randomInt } from 'node:crypto';
import test from 'ava';
import { describeStorm, runStorm } from './storm.js';

/** The whole form is `npm run storm`. */
const seconds = Number(process.env.SHENV_STORM_SECONDS || 5);
const seed = Number(process.env.SHENV_STORM_SEED || randomInt(2 ** 31));

test('while environments come, change and go and mounts are read, gc removes all that is unused and nothing else', async (t) => {
  t.log(`SHENV_STORM_SEED=${seed}`);
  const options = { seconds, seed, creators: 4, mounts: 2 };
  const summary = await runStorm(options);
  t.log(describeStorm(options, summary));
  t.deepEqual(summary.violations, []);
  t.true(summary.operations > 0 && summary.collections > 0);
});
