/**
 * npm run deaths -- [--deaths 100] [--interpreters 16] [--seed N]
 *
 * Kills the process that serves a mount at random moments, also while the next one starts, under importing interpreters
 * and one process that holds files open and mapped. Exits 1 if any of them saw an error.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { describeDeaths, runDeaths } from './deaths.js';

const { values } = parseArgs({
  options: {
    deaths: { type: 'string', default: '100' },
    interpreters: { type: 'string', default: '16' },
    seed: { type: 'string' },
  },
});
const options = {
  deaths: Number(values.deaths),
  interpreters: Number(values.interpreters),
  seed: values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed),
  onDeath: (count: number) => {
    if (count % 10 === 0) process.stdout.write(`${count} kills\n`);
  },
};
process.stdout.write(`seed ${options.seed}\n`);
const report = await runDeaths(options);
for (const error of report.errors) process.stdout.write(`ERROR ${error}\n`);
process.stdout.write(`${describeDeaths(options, report)}\n`);
process.exitCode = report.errors.length === 0 ? 0 : 1;
