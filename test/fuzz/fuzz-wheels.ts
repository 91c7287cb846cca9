/**
 * npm run fuzz:wheels -- [--seconds 60] [--seed N] [--wheels FOLDER] [--only ROUND]
 *
 * Puts wheels into a store that are changed at random: the bytes and the headers of the archive, its
 * members, METADATA, WHEEL, RECORD and entry points; and real wheels of FOLDER (by default those that
 * come with Python). Each must be accepted or refused with an error of the user's within 30 s, leave
 * the store whole, and, when it is accepted, hold what Python's zipfile reads of it. Exits 1 on any
 * finding, says how to run that round again, and keeps its wheel.
 */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from '../../src/base/run.js';
import { listWheels } from './check-wheel.js';
import { runRounds } from './run-rounds.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    wheels: { type: 'string' },
    only: { type: 'string' },
  },
});
const say = (text: string) => process.stdout.write(`${text}\n`);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
// In memory where that can be: most of the time would go to making images durable.
const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'shenv-fs-fuzz-'));
const real = await listWheels(values.wheels ?? (await bundledWheels())).catch(() => []);

say(`seed ${seed}, ${real.length} real wheels`);
const { rounds, outcomes, largestBytes, findings } = await runRounds({
  folder,
  seed,
  real,
  first: Number(values.only ?? 0),
  rounds: values.only === undefined ? 2 ** 31 : 1,
  seconds: Number(values.seconds),
});
for (const finding of findings) {
  say(`FINDING ${finding}`);
  say(`  again: npm run fuzz:wheels -- --seed ${seed} --only ${/\d+/.exec(finding)?.[0]}`);
}
if (findings.length === 0) await rm(folder, { recursive: true });
say(
  `${rounds} wheels, at most ${Math.round(largestBytes / 2 ** 20)} MB of memory, ${findings.length} findings, ` +
    `seed ${seed}, ${JSON.stringify(outcomes)}`,
);
process.exitCode = findings.length === 0 ? 0 : 1;

async function bundledWheels(): Promise<string> {
  const { stdout } = await run('python3', ['-c', 'import ensurepip; print(ensurepip.__path__[0])']);
  return join(stdout.trim(), '_bundled');
}
