/** npm run bench: see --help. Prints ratios to the venv on the disk and writes bench/results/<date>-<commit>-<form>.json. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { discoverInterpreter } from '../src/python/discover.js';
import { projectRoot } from '../test/support/sandbox.js';
import { contenders } from './contenders/all.js';
import { resultFileName } from './report/result.js';
import { describeResult } from './report/terminal.js';
import { Bench } from './run/bench.js';
import { choose, type Options, readOptions, usage } from './run/options.js';
import { runSuite } from './suite.js';
import { trials } from './trials/all.js';

const say = (text: string) => void process.stdout.write(`${text}\n`);

/** Exit status: 2 for wrong usage, 1 for a run that did not end. */
async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2), join(projectRoot, 'bench/results'));
    choose(contenders, options.contenders, 'contender');
    choose(trials, options.only, 'trial');
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`bench: ${error.message}\n`);
    return 2;
  }
  if (options.wantsHelp) say(usage);
  else if (options.wantsList) await list(options);
  else await measure(options);
  return 0;
}

async function measure(options: Options): Promise<void> {
  const only = options.form === 'counts' ? ['counts'] : options.only;
  const result = await runSuite(options, choose(trials, only, 'trial'), say);
  say(describeResult(result));
  say(`${result.seconds} s`);
  if (options.output === undefined) return;
  await mkdir(options.output, { recursive: true });
  const file = join(options.output, resultFileName(result));
  await writeFile(file, `${JSON.stringify(result, null, 1)}\n`);
  say(`written to ${relative(process.cwd(), file)}`);
}

async function list(options: Options): Promise<void> {
  const bench = await Bench.make({ ...options, python: await discoverInterpreter(options.python), say });
  try {
    say('trials:');
    for (const { name, title } of trials) say(`  ${name.padEnd(16)}${title}`);
    say('contenders:');
    for (const { name, about, missing } of contenders) {
      const why = await missing(bench);
      say(`  ${name.padEnd(16)}${about}${why === undefined ? '' : `\n${' '.repeat(18)}not here: ${why}`}`);
    }
  } finally {
    await bench.end();
  }
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
