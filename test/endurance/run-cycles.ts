/**
 * npm run cycles -- [--cycles 1000] [--places 4] [--seed N]
 *
 * Mounts and ends mounts in every way there is. Exits 1 if a command failed or anything is left at the end.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { describeCycles, runCycles } from './cycles.js';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '1000' },
    places: { type: 'string', default: '4' },
    seed: { type: 'string' },
  },
});
const options = {
  cycles: Number(values.cycles),
  places: Number(values.places),
  seed: values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed),
  onCycle: (count: number) => {
    if (count % 50 === 0) process.stdout.write(`${count} cycles\n`);
  },
};
process.stdout.write(`seed ${options.seed}\n`);
const report = await runCycles(options);
for (const error of report.errors) process.stdout.write(`ERROR ${error}\n`);
process.stdout.write(`${describeCycles(report)}\n`);
process.exitCode = report.errors.length === 0 ? 0 : 1;
