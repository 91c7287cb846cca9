/**
 * npm run faults -- [--rounds 1000] [--seed N] [--kind kill|interrupt|both] [--only 'ROUND']
 *
 * Ends `install`, `sync`, `remove`, `create`, `delete` and `upgrade` at any moment, with kill -9 (the
 * program with all it started, or alone) and with Ctrl-C, and checks after each that every environment
 * is in its old or its new state and that nothing stands in the way of the next command. Two thirds
 * of the rounds end it just before one of the calls that change the file system, the others after a
 * random time. Exits 1 on any violation and says how to run that round again.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Kind } from './plan.js';
import { runRounds } from './rounds.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    kind: { type: 'string', default: 'both' },
    only: { type: 'string' },
  },
});
if (!['kill', 'interrupt', 'both'].includes(values.kind)) throw new Error(`--kind ${values.kind} is unknown`);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const say = (text: string) => process.stdout.write(`${text}\n`);
const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => abort.abort());

say(`seed ${seed}`);
const summary = await runRounds({
  rounds: Number(values.rounds),
  seed,
  kind: values.kind as Kind,
  only: values.only,
  signal: abort.signal,
  log: say,
});
const { rounds, kills, interrupts, states, staged, orphans, images, mount, violations } = summary;
for (const violation of violations) {
  say(`VIOLATION ${violation}`);
  say(`  again: npm run faults -- --rounds 10 --only '${violation.split(':')[0]}'`);
}
say(
  `${mount}; ${images} images whole; kill -9 left ${staged} staged files and ${orphans} orphans that ended`,
);
say(
  `${rounds} rounds, ${kills} kills, ${interrupts} interrupts, ${violations.length} violations, ` +
    `seed ${seed}, state old ${states.old} times, new ${states.new} times`,
);
process.exitCode = violations.length === 0 ? 0 : 1;
