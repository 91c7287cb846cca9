import type { Failure } from './fault-point.js';
import { type Random, shuffle } from './random.js';
import { type Scenario, scenarioNamed } from './scenarios.js';

/** A signal that a command gets. */
export interface SignalFault {
  signal: 'SIGKILL' | 'SIGINT';
  /** The program with all that it started, or the program alone. */
  target: 'group' | 'program';
  /** Just before a call that changes the file system, or after a part of the time of an undisturbed run. */
  at: { call: number } | { fraction: number };
}

/** A call that changes the file system and fails, alone or with all after it. */
export interface FailureFault {
  failure: Failure;
  stays: boolean;
  at: { call: number };
}

/** How a command is disturbed. */
export type Fault = SignalFault | FailureFault;

export interface Round {
  scenario: Scenario;
  fault: Fault;
}

/** An undisturbed run. */
export interface Measure {
  durationMs: number;
  /** Calls that change the file system. */
  calls: number;
}

export const kinds = {
  kill: ['SIGKILL'],
  interrupt: ['SIGINT'],
  fail: ['failure'],
  both: ['SIGKILL', 'SIGINT'],
  all: ['SIGKILL', 'SIGINT', 'failure'],
} as const;
export type Kind = keyof typeof kinds;
type Sort = (typeof kinds)[Kind][number];

/** Rounds that are aimed at a call; the others come after a random time. */
const aimedShare = 2 / 3;
/** A quick command is disturbed more often than one that runs pip. */
const quickWeight = 40;
const failures: readonly Failure[] = ['ENOSPC', 'EIO', 'EROFS', 'short'];

/**
 * As many rounds as asked for; those at a call first reach every call once before any comes twice, then those of
 * quick commands again and again. Pure.
 */
export function planRounds(
  options: { rounds: number; kind: Kind; random: Random },
  measures: ReadonlyMap<Scenario, Measure>,
): Round[] {
  const { rounds, kind, random } = options;
  const sorts = kinds[kind];
  const plan = sorts.flatMap((sort, index) => {
    const count = Math.floor((rounds + index) / sorts.length);
    return planSort(sort, count, random, measures);
  });
  return shuffle(plan, random, () => 1);
}

function planSort(
  sort: Sort,
  count: number,
  random: Random,
  measures: ReadonlyMap<Scenario, Measure>,
): Round[] {
  const scenarios = [...measures.keys()];
  const aimedCount = sort === 'failure' ? count : Math.round(count * aimedShare);
  const plan: Round[] = [];
  for (let pass = 1; plan.length < aimedCount; pass += 1) {
    const again = scenarios.filter(({ isSlow }) => pass === 1 || !isSlow);
    const points = (again.length > 0 ? again : scenarios).flatMap((scenario) =>
      pointsOf(scenario, measures.get(scenario)!.calls),
    );
    const drawn = shuffle(points, random, ({ scenario }) => weightOf(scenario));
    for (const { scenario, call } of drawn.slice(0, aimedCount - plan.length))
      plan.push({ scenario, fault: drawFault(sort, { call }, random) });
  }
  while (plan.length < count) plan.push(drawTimed(sort, scenarios, random));
  return plan;
}

function pointsOf(scenario: Scenario, calls: number): { scenario: Scenario; call: number }[] {
  return Array.from({ length: calls }, (_, index) => ({ scenario, call: index + 1 }));
}

function weightOf({ isSlow }: Scenario): number {
  return isSlow ? 1 : quickWeight;
}

function drawFault(sort: Sort, at: { call: number }, random: Random): Fault {
  if (sort !== 'failure') return { signal: sort, target: drawTarget(sort, random), at };
  const failure = failures[Math.floor(random() * failures.length)]!;
  // A file system that has become read-only stays so.
  return { failure, stays: failure === 'EROFS' || random() < 0.5, at };
}

/** A terminal sends Ctrl-C to the whole group. */
function drawTarget(signal: SignalFault['signal'], random: Random): SignalFault['target'] {
  return signal === 'SIGINT' || random() < 0.5 ? 'group' : 'program';
}

function drawTimed(sort: Sort, scenarios: readonly Scenario[], random: Random): Round {
  const scenario = shuffle(scenarios, random, weightOf)[0]!;
  const signal = sort as SignalFault['signal'];
  const fraction = Number(random().toFixed(4));
  return { scenario, fault: { signal, target: drawTarget(signal, random), at: { fraction } } };
}

/**
 * The text that `--only` takes: `install SIGKILL program call 17`, `delete SIGINT group after 0.25`,
 * `create ENOSPC from call 12`, `put EIO at call 3`.
 */
export function formatRound({ scenario, fault }: Round): string {
  const when = 'call' in fault.at ? `call ${fault.at.call}` : `after ${fault.at.fraction}`;
  if ('failure' in fault) return `${scenario.name} ${fault.failure} ${fault.stays ? 'from' : 'at'} ${when}`;
  return `${scenario.name} ${fault.signal} ${fault.target} ${when}`;
}

/** Throws for what `formatRound` does not write. */
export function parseRound(text: string): Round {
  const signals = /^(\S+) (SIGKILL|SIGINT) (group|program) (?:call (\d+)|after ([\d.]+))$/.exec(text);
  const failing = /^(\S+) (ENOSPC|EIO|EROFS|short) (from|at) call (\d+)$/.exec(text);
  if (failing) {
    const [, name = '', failure, which, call] = failing;
    const fault = { failure: failure as Failure, stays: which === 'from', at: { call: Number(call) } };
    return { scenario: scenarioNamed(name), fault };
  }
  if (!signals) throw new Error(`not a round: ${text}`);
  const [, name = '', signal, target, call, fraction] = signals;
  const at = call === undefined ? { fraction: Number(fraction) } : { call: Number(call) };
  return { scenario: scenarioNamed(name), fault: { signal, target, at } as Fault };
}
