/**
 * npm run bench:check -- [--result FILE] [--against FILE] [options of bench]
 *
 * Runs the quick form of the trials whose figures are the same on every machine, for the venv and both engines, and
 * compares counts of requests, ratios to the venv and exponents of growth with the newest committed quick result;
 * times are never compared. With --result nothing is run. Exit status 1: something is worse by more than the
 * tolerance (bench/report/regression.ts). 0 with a note where no quick result is committed yet.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { formatNumber } from './report/format.js';
import { findRegressions } from './report/regression.js';
import { parseResult, type Result } from './report/result.js';
import { newestCommitted, resultsFolder } from './run/committed.js';
import { choose, readOptions } from './run/options.js';
import { runSuite } from './suite.js';
import { trials } from './trials/all.js';

const checkedContenders = ['kernel', 'fuse-native'];
const checkedTrials = ['stat', 'listing', 'reading', 'requests', 'space', 'growth', 'shared-store'];

const say = (text: string) => void process.stdout.write(`${text}\n`);

const { values } = parseArgs({ options: { result: { type: 'string' }, against: { type: 'string' } } });

async function read(path: string): Promise<{ file: string; result: Result }> {
  return { file: path, result: parseResult(await readFile(path, 'utf8'), path) };
}

const before = values.against ? await read(values.against) : await newestCommitted('quick');
if (!before)
  say('no quick result is committed yet, so there is nothing to compare with: npm run bench -- --quick');
else await compareWith(before);

async function compareWith({ file, result: old }: { file: string; result: Result }): Promise<void> {
  const options = readOptions(
    ['--quick', '--no-output', '--contenders', checkedContenders.join()],
    resultsFolder,
  );
  const now = values.result
    ? (await read(values.result)).result
    : await runSuite(options, choose(trials, checkedTrials, 'trial'), say);
  const { regressions, compared } = findRegressions(old, now, new Set([...checkedContenders, 'shenv-fs']));
  for (const { what, before: was, now: is, limit } of regressions)
    say(`WORSE ${what}: ${formatNumber(is)}, was ${formatNumber(was)}, at most ${formatNumber(limit)}`);
  say(`${compared} figures compared with ${file}: ${regressions.length} worse`);
  if (compared === 0) say('nothing was comparable: the two results have no case in common');
  process.exitCode = regressions.length > 0 || compared === 0 ? 1 : 0;
}
