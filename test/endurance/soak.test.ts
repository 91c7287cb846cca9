import { randomInt } from 'node:crypto';
import test from 'ava';
import { skip } from '../support/interpreters.js';
import { describeSoak, runSoak } from './soak.js';

/** The whole form is `npm run soak`. */
const seconds = Number(process.env.SHENV_SOAK_SECONDS || 12);
const seed = Number(process.env.SHENV_SOAK_SEED || randomInt(2 ** 31));

test('while a mount is walked, imported from, changed and collected, nothing fails and nothing grows', async (t) => {
  t.log(`SHENV_SOAK_SEED=${seed}`);
  const options = { seconds, seed, engine: 'kernel', changers: 2, importers: 1, walkers: 1 };
  try {
    const summary = await runSoak(options);
    t.log(describeSoak(options, summary));
    t.deepEqual(summary.violations, []);
    t.true(summary.imports > 0 && summary.read > 0 && summary.collections > 0);
  } catch (error) {
    if (!/\[(ENGINE_UNAVAILABLE|MOUNT_FAILED)\]/.test(String(error))) throw error;
    skip(t, 'this machine cannot mount');
  }
});
