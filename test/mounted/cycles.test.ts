import test from 'ava';
import { describeCycles, runCycles } from '../endurance/cycles.js';
import { engines } from '../support/mounts.js';

const kernelTest = engines.includes('kernel') ? test.serial : test.serial.skip;

kernelTest('mounts that come and go leave nothing but their logs, however they end', async (t) => {
  const options = { cycles: 6, places: 2, seed: Math.floor(Math.random() * 2 ** 31) };
  const report = await runCycles(options);
  t.log(`seed ${options.seed}`, describeCycles(report));
  t.deepEqual(report.errors, []);
  t.true(report.cycles >= options.cycles);
});
