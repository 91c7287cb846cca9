/**
 * npm run soak -- [--minutes 20] [--seed N] [--engine kernel] [--changers 3] [--importers 2] [--walkers 2]
 *                 [--plot soak.svg]
 *
 * Walkers, importers of real wheels, changes of environments and collections at once on one mount. Any error of any of
 * them is a violation, and so is memory, descriptors or threads of the daemon that grow (flatness.ts says how that is
 * judged). Writes the picture and exits 1 on any violation.
 */
import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { interrupted } from '../support/interrupted.js';
import { describeSoak, runSoak } from './soak.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string' },
    engine: { type: 'string', default: 'kernel' },
    changers: { type: 'string', default: '3' },
    importers: { type: 'string', default: '2' },
    walkers: { type: 'string', default: '2' },
    plot: { type: 'string', default: 'build/soak.svg' },
  },
});
const options = {
  seconds: Number(values.minutes) * 60,
  seed: values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed),
  engine: values.engine,
  changers: Number(values.changers),
  importers: Number(values.importers),
  walkers: Number(values.walkers),
  signal: interrupted(),
};
process.stdout.write(`seed ${options.seed}\n`);
const summary = await runSoak(options);
for (const violation of summary.violations) process.stdout.write(`VIOLATION ${violation}\n`);
await writeFile(values.plot, summary.picture);
process.stdout.write(`${describeSoak(options, summary)}; plotted in ${resolve(values.plot)}\n`);
process.exitCode = summary.violations.length === 0 ? 0 : 1;
