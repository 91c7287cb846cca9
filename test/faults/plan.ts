import { type Random, shuffle } from './random.js';
import { type Scenario, scenarioNamed, scenarios } from './scenarios.js';

/** How a command is disturbed. */
export interface Fault {
  signal: 'SIGKILL' | 'SIGINT';
  /** The program with all that it started, or the program alone. */
  target: 'group' | 'program';
  /** Just before a call that changes the file system, or after a part of the time of an undisturbed run. */
  at: { call: number } | { fraction: number };
}

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

export type Kind = 'kill' | 'interrupt' | 'both';

/** Rounds that are aimed at a call; the others come after a random time. */
const aimedShare = 2 / 3;
/** A quick command is disturbed more often than one that runs pip. */
const quickWeight = 3;
const signalsOf = { kill: ['SIGKILL'], interrupt: ['SIGINT'], both: ['SIGKILL', 'SIGINT'] } as const;

/** As many rounds as asked for; those at a call first reach every call once before any comes twice. Pure. */
export function planRounds(
  options: { rounds: number; kind: Kind; random: Random },
  measures: ReadonlyMap<Scenario, Measure>,
): Round[] {
  const { rounds, kind, random } = options;
  const aimed: Round[] = [];
  for (const signal of signalsOf[kind]) {
    const points = scenarios.flatMap((scenario) => pointsOf(scenario, measures.get(scenario)!.calls));
    const drawn = shuffle(points, random, ({ scenario }) => weightOf(scenario));
    for (const { scenario, call } of drawn) {
      aimed.push({ scenario, fault: { signal, target: drawTarget(signal, random), at: { call } } });
    }
  }
  const aimedCount = Math.round(rounds * aimedShare);
  const chosen = rounds < aimed.length ? shuffle(aimed, random, heavierWhenKill(rounds)) : aimed;
  const plan = chosen.slice(0, aimedCount);
  while (plan.length < rounds) plan.push(drawTimed(kind, random));
  return shuffle(plan, random, () => 1);
}

function pointsOf(scenario: Scenario, calls: number): { scenario: Scenario; call: number }[] {
  return Array.from({ length: calls }, (_, index) => ({ scenario, call: index + 1 }));
}

/** Where not every call can be reached with each signal, SIGKILL goes first if all of its calls fit. */
function heavierWhenKill(rounds: number): (round: Round) => number {
  return ({ scenario, fault }) =>
    weightOf(scenario) * (fault.signal === 'SIGKILL' && rounds >= 500 ? 1000 : 1);
}

function weightOf({ isSlow }: Scenario): number {
  return isSlow ? 1 : quickWeight;
}

/** A terminal sends Ctrl-C to the whole group. */
function drawTarget(signal: Fault['signal'], random: Random): Fault['target'] {
  return signal === 'SIGINT' || random() < 0.5 ? 'group' : 'program';
}

function drawTimed(kind: Kind, random: Random): Round {
  const scenario = shuffle(scenarios, random, weightOf)[0]!;
  const signals = signalsOf[kind];
  const signal = signals[Math.floor(random() * signals.length)]!;
  const fraction = Number(random().toFixed(4));
  return { scenario, fault: { signal, target: drawTarget(signal, random), at: { fraction } } };
}

/** The text that `--only` takes: `install SIGKILL program call 17`, `delete SIGINT group after 0.25`. */
export function formatRound({ scenario, fault: { signal, target, at } }: Round): string {
  const when = 'call' in at ? `call ${at.call}` : `after ${at.fraction}`;
  return `${scenario.name} ${signal} ${target} ${when}`;
}

/** Throws for what `formatRound` does not write. */
export function parseRound(text: string): Round {
  const fields = /^(\S+) (SIGKILL|SIGINT) (group|program) (?:call (\d+)|after ([\d.]+))$/.exec(text);
  if (!fields) throw new Error(`not a round: ${text}`);
  const [, name = '', signal, target, call, fraction] = fields;
  const at = call === undefined ? { fraction: Number(fraction) } : { call: Number(call) };
  return { scenario: scenarioNamed(name), fault: { signal, target, at } as Fault };
}
