/**
 * npm run bench:check -- [--counts] [--result FILE] [--against FILE] [--python PYTHON]
 *
 * Compares with the newest committed result and fails when something is worse by more than the tolerance
 * (bench/report/regression.ts). With --counts it runs the trial counts alone, under a minute, which CI does; otherwise the
 * quick form of the trials whose figures travel: counts of requests, ratios to the venv and exponents of growth of both
 * engines. Times are never compared. With --result nothing is run. Exit status 1: something is worse, or nothing could
 * be compared; 0 with a note where no such result is committed, or where this machine cannot measure it.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { discoverInterpreter } from '../src/python/discover.js';
import { describeCheck, findRegressions } from './report/regression.js';
import { type Form, parseResult, type Result } from './report/result.js';
import { newestCommitted, resultsFolder } from './run/committed.js';
import { isRoot } from './run/machine.js';
import { choose, readOptions } from './run/options.js';
import { runSuite } from './suite.js';
import { trials } from './trials/all.js';

const checkedContenders = ['kernel', 'fuse-native'];
const trialsOf = {
  counts: ['counts'],
  quick: ['stat', 'listing', 'reading', 'requests', 'space', 'growth', 'shared-store'],
};

const say = (text: string) => void process.stdout.write(`${text}\n`);

const { values } = parseArgs({
  options: {
    counts: { type: 'boolean', default: false },
    result: { type: 'string' },
    against: { type: 'string' },
    python: { type: 'string', default: '3.11' },
  },
});
const form: Exclude<Form, 'full'> = values.counts ? 'counts' : 'quick';

async function read(path: string): Promise<{ file: string; result: Result }> {
  return { file: path, result: parseResult(await readFile(path, 'utf8'), path) };
}

const before = values.against ? await read(values.against) : await newestCommitted(form);
if (!before)
  say(`no ${form} result is committed yet, so there is nothing to compare with: npm run bench -- --${form}`);
else if (form === 'counts' && !values.result && !isRoot)
  say('counts were not compared: only root may drop the kernel caches and mount the delaying file system');
else if (!values.result && !(await isHere(values.python)))
  say(`nothing was compared: there is no Python ${values.python} here, which decides what is asked for`);
else await compareWith(before);

async function compareWith({ file, result: old }: { file: string; result: Result }): Promise<void> {
  const now = values.result ? (await read(values.result)).result : await measure();
  const contenders = new Set([...checkedContenders, 'shenv-fs']);
  const { lines, isWorse } = describeCheck(findRegressions(old, now, contenders), file);
  for (const text of lines) say(text);
  process.exitCode = isWorse ? 1 : 0;
}

function isHere(python: string): Promise<boolean> {
  return discoverInterpreter(python).then(
    () => true,
    () => false,
  );
}

function measure(): Promise<Result> {
  const args = form === 'quick' ? ['--quick', '--contenders', checkedContenders.join()] : ['--counts'];
  const options = readOptions([...args, '--no-output', '--python', values.python], resultsFolder);
  return runSuite(options, choose(trials, trialsOf[form], 'trial'), say);
}
