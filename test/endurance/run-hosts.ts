/**
 * npm run hosts -- [--minutes 5] [--seed N] [--hosts 2] [--creators 2]
 *
 * Hosts with host names, process ids and runtime folders of their own that create, upgrade, seal and collect in one
 * home and one store, and a node that only reads. Exits 1 on any violation.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { interrupted } from '../support/interrupted.js';
import { describeHosts, runHosts } from './hosts.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string' },
    hosts: { type: 'string', default: '2' },
    creators: { type: 'string', default: '2' },
  },
});
const options = {
  seconds: Number(values.minutes) * 60,
  seed: values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed),
  hosts: Number(values.hosts),
  creators: Number(values.creators),
  signal: interrupted(),
};
process.stdout.write(`seed ${options.seed}\n`);
const summary = await runHosts(options);
for (const violation of summary.violations) process.stdout.write(`VIOLATION ${violation}\n`);
process.stdout.write(`${describeHosts(options, summary)}\n`);
process.exitCode = summary.violations.length === 0 ? 0 : 1;
