import { randomInt } from 'node:crypto';
import test from 'ava';
import type { Kind } from './plan.js';
import { runRounds } from './rounds.js';

const seed = Number(process.env.SHENV_FAULT_SEED || randomInt(2 ** 31));
export interface ShortForm {
  kind: Kind;
  rounds: number;
  /** Where the machine is slow, fewer rounds are run. */
  seconds: number;
}

/** A test of some rounds; SHENV_FAULT_ROUNDS and SHENV_FAULT_SECONDS say how many otherwise, and for how long at most. */
export function reportRounds(title: string, { kind, rounds, seconds }: ShortForm): void {
  test.serial(title, async (t) => {
    t.log(`SHENV_FAULT_SEED=${seed}`);
    const maxSeconds = Number(process.env.SHENV_FAULT_SECONDS || seconds);
    const wanted = Number(process.env.SHENV_FAULT_ROUNDS || rounds);
    const summary = await runRounds({ rounds: wanted, seed, kind, maxSeconds, log: () => undefined });
    const { violations, states } = summary;
    t.log(`${summary.rounds} of ${wanted} rounds, old ${states.old}, new ${states.new}; ${summary.mount}`);
    t.deepEqual(violations, []);
    t.true(summary.rounds > 0);
  });
}
