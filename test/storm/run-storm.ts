/**
 * npm run storm -- [--seconds 60] [--seed N] [--creators 8] [--mounts 2]
 *
 * Collections without a grace period, one after the other, against processes that make, change and delete
 * environments of two homes on one store, mounts that are read, and checkers. Exits 1 on any violation.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { interrupted } from '../support/interrupted.js';
import { describeStorm, runStorm } from './storm.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    creators: { type: 'string', default: '8' },
    mounts: { type: 'string', default: '2' },
  },
});
const options = {
  seconds: Number(values.seconds),
  seed: values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed),
  creators: Number(values.creators),
  mounts: Number(values.mounts),
  signal: interrupted(),
};
process.stdout.write(`seed ${options.seed}\n`);
const summary = await runStorm(options);
for (const violation of summary.violations) process.stdout.write(`VIOLATION ${violation}\n`);
process.stdout.write(`${describeStorm(options, summary)}\n`);
process.exitCode = summary.violations.length === 0 ? 0 : 1;
