import { discoverInterpreter } from '../src/python/discover.js';
import { contenders } from './contenders/all.js';
import { baseline, groupByCase, type Result } from './report/result.js';
import { Bench } from './run/bench.js';
import { type Cost, forecast } from './run/budget.js';
import { buildClient } from './run/client.js';
import { describeCheckout, describeMachine, loadAverage } from './run/machine.js';
import { choose, type Options } from './run/options.js';
import { Shelf } from './run/shelf.js';
import { downloadedSet } from './run/wheel-set.js';
import type { Session, Trial } from './trials/trial.js';

/** What --quick measures without --contenders: both engines and one of each kind of other approach. */
const quickContenders = ['kernel', 'fuse-native', 'pth', 'overlayfs', 'squashfs'];
const contendersOf = { full: undefined, quick: quickContenders, counts: ['kernel', 'fuse-native'] };

/**
 * Runs trials and gives what they found. Whatever happens, also SIGINT and SIGTERM, what was set up is taken away
 * before it returns or throws. A trial that fails is named in `skipped`, and the next one runs.
 */
export async function runSuite(
  options: Options,
  trials: readonly Trial[],
  say: (text: string) => void,
): Promise<Result> {
  const bench = await Bench.make({ ...options, python: await discoverInterpreter(options.python), say });
  const interrupt = () => {
    say('interrupted: taking everything away');
    bench.interrupt();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    return await measure(bench, options, trials);
  } finally {
    for (const failure of await bench.end()) say(`could not be taken away: ${failure}`);
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

async function measure(bench: Bench, options: Options, trials: readonly Trial[]): Promise<Result> {
  const begun = performance.now();
  const head = {
    schema: 1 as const,
    form: options.form,
    isComplete: isComplete(options),
    startedAt: new Date().toISOString(),
    machine: await describeMachine(bench.folder),
    ...(await describeCheckout()),
    loadAtStart: await loadAverage(),
    rounds: options.rounds,
  };
  const session = await openSession(bench, options);
  const paces = await runTrials(session, options, trials, begun);
  const { slopes, skipped } = bench;
  const rows = groupByCase(bench.rows);
  const seconds = secondsSince(begun);
  return { ...head, seconds, loadAtEnd: await loadAverage(), ...paces, rows, slopes, skipped };
}

async function runTrials(
  session: Session,
  { isQuick, budgetMinutes }: Options,
  trials: readonly Trial[],
  begun: number,
): Promise<Required<Pick<Result, 'trialSeconds' | 'shrunk'>>> {
  const { bench } = session;
  const done: { cost: Cost; share: number }[] = [];
  const trialSeconds: Record<string, number> = {};
  const shrunk: { trial: string; share: number }[] = [];
  for (const [index, trial] of trials.entries()) {
    const usedSeconds = secondsSince(begun);
    const left = trials.slice(index).map(({ cost }) => cost);
    const budgetSeconds = budgetMinutes && budgetMinutes * 60;
    const { share, leftSeconds } = forecast({ done, left, usedSeconds }, budgetSeconds);
    const expected = isQuick ? '' : `, about ${Math.round(leftSeconds / 60)} min left`;
    bench.settings.say(
      `[${index + 1}/${trials.length}, ${usedSeconds} s used${expected}] ${trial.name}: ${trial.title}`,
    );
    bench.shrinkRounds(share);
    if (share < 1) {
      bench.settings.say(`  the budget leaves ${Math.round(share * 100)} % of the rounds`);
      shrunk.push({ trial: trial.name, share });
    }
    await bench.attempt(`trial ${trial.name}`, () => trial.run(session));
    done.push({ cost: trial.cost, share });
    trialSeconds[trial.name] = secondsSince(begun) - usedSeconds;
  }
  return { trialSeconds, shrunk };
}

function secondsSince(begun: number): number {
  return Math.round((performance.now() - begun) / 1000);
}

function isComplete({ only, contenders: named, mainSet, sets, pythons }: Options): boolean {
  return [only, named, mainSet, sets, pythons].every((choice) => choice === undefined);
}

async function openSession(bench: Bench, options: Options): Promise<Session> {
  const names = options.contenders ?? contendersOf[options.form];
  const chosen = choose(contenders, names && [baseline, ...names], 'contender');
  for (const { name } of contenders)
    if (!chosen.some((one) => one.name === name))
      bench.skip(name, options.contenders ? 'not among --contenders' : `not part of --${options.form}`);
  const shelf = new Shelf(bench, chosen, contenders);
  const mainName = options.mainSet ?? (options.isQuick ? 'quick' : 'large');
  return {
    bench,
    shelf,
    client: await buildClient(bench, 'fsclient'),
    mainSet: () => downloadedSet(bench, mainName, bench.settings.python),
  };
}
