import test from 'ava';
import { runRounds } from '../../fuzz/run-rounds.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

// Longer, and with another seed each time: npm run fuzz:wheels, which .ci/run does too.
test('wheels that are changed at random are accepted whole or refused without a trace', async (t) => {
  const folder = await temporaryFolder(t);
  const { rounds, findings, outcomes } = await runRounds({
    folder,
    seed: 1,
    first: 0,
    rounds: 60,
    seconds: 120,
    real: [],
  });
  t.deepEqual(findings, []);
  t.is(rounds, 60);
  t.true((outcomes.accepted ?? 0) > 0);
  t.true(Object.keys(outcomes).length > 3, JSON.stringify(outcomes));
});
