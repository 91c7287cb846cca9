import { randomInt } from 'node:crypto';
import test from 'ava';
import { runRounds } from './rounds.js';

/** The whole form is `npm run faults`. */
const rounds = Number(process.env.SHENV_FAULT_ROUNDS || 30);
const seed = Number(process.env.SHENV_FAULT_SEED || randomInt(2 ** 31));

test('Ctrl-C and kill -9 at any moment leave every environment in its old or its new state', async (t) => {
  t.log(`SHENV_FAULT_SEED=${seed}`);
  const { violations, states, kills, interrupts } = await runRounds({
    rounds,
    seed,
    kind: 'both',
    log: () => undefined,
  });
  t.log(`${kills} kills, ${interrupts} interrupts, old ${states.old}, new ${states.new}`);
  t.deepEqual(violations, []);
});
