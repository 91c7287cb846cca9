/**
 * npm run installs -- [--kills 200] [--seed N] [--supervised] [--plain]
 *
 * Kills the process that serves a writable environment while pip installs into it. Exits 1 on any violation.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { interrupted } from '../support/interrupted.js';
import { describeKills, killInstalls } from './killed-installs.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string' },
    supervised: { type: 'boolean', default: false },
    plain: { type: 'boolean', default: false },
  },
});
const options = {
  kills: Number(values.kills),
  seed: values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed),
  isSupervised: values.supervised,
  isPlain: values.plain,
  signal: interrupted(),
  onKill: (count: number) => {
    if (count % 10 === 0) process.stdout.write(`${count} kills\n`);
  },
};
process.stdout.write(`seed ${options.seed}\n`);
const report = await killInstalls(options);
for (const violation of report.violations) process.stdout.write(`VIOLATION ${violation}\n`);
process.stdout.write(`${describeKills(options, report)}\n`);
process.exitCode = report.violations.length === 0 ? 0 : 1;
