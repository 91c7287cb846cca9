/**
 * npm run equality:files -- [--steps 2000] [--every 50] [--seed N] [--rounds 1] [--shared] [--unprivileged]
 *                           [--deaths] [--plain] [--fault chmod:N] [--skip OPERATION,...] [--keep FOLDER]
 *
 * Applies one random sequence of file operations to a plain folder and to a writable environment, and compares what
 * each operation gave and the whole trees. Exits 1 if anything differs. Rounds have seeds one after another.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { compareTwins, describeEquality } from './file-equality.js';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '2000' },
    every: { type: 'string', default: '50' },
    seed: { type: 'string' },
    rounds: { type: 'string', default: '1' },
    shared: { type: 'boolean', default: false },
    unprivileged: { type: 'boolean', default: false },
    deaths: { type: 'boolean', default: false },
    plain: { type: 'boolean', default: false },
    fault: { type: 'string', default: '' },
    skip: { type: 'string', default: '' },
    keep: { type: 'string', default: '' },
    operations: { type: 'boolean', default: false },
  },
});
const first = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
for (let round = 0; round < Number(values.rounds); round += 1) {
  const options = {
    seed: first + round,
    steps: Number(values.steps),
    every: Number(values.every),
    isShared: values.shared,
    isUnprivileged: values.unprivileged,
    hasDeaths: values.deaths,
    isPlain: values.plain,
    fault: values.fault,
    skip: values.skip,
    keep: values.keep,
  };
  const report = await compareTwins(options);
  for (const difference of report.differences) process.stdout.write(`DIFFERENCE ${difference}\n`);
  if (values.operations) process.stdout.write(`${JSON.stringify(report.operations, null, 1)}\n`);
  process.stdout.write(`${describeEquality(options, report)}\n`);
  if (report.differences.length > 0) process.exitCode = 1;
}
