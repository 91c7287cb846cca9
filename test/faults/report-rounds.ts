import { randomInt } from 'node:crypto';
import test from 'ava';
import type { Kind } from './plan.js';
import { runRounds } from './rounds.js';

const seed = Number(process.env.SHENV_FAULT_SEED || randomInt(2 ** 31));
/** Where the machine is slow, fewer rounds are run. */
const maxSeconds = Number(process.env.SHENV_FAULT_SECONDS || 60);

/** A test of some rounds: as many as SHENV_FAULT_ROUNDS says, for at most SHENV_FAULT_SECONDS. */
export function reportRounds(title: string, { kind, rounds }: { kind: Kind; rounds: number }): void {
  test.serial(title, async (t) => {
    t.log(`SHENV_FAULT_SEED=${seed}`);
    const wanted = Number(process.env.SHENV_FAULT_ROUNDS || rounds);
    const summary = await runRounds({ rounds: wanted, seed, kind, maxSeconds, log: () => undefined });
    const { violations, states } = summary;
    t.log(`${summary.rounds} of ${wanted} rounds, old ${states.old}, new ${states.new}; ${summary.mount}`);
    t.deepEqual(violations, []);
    t.true(summary.rounds > 0);
  });
}
