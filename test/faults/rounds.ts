import { ShenvError } from '../../src/base/errors.js';
import { eventually } from '../support/eventually.js';
import {
  type Command,
  measure,
  membersOf,
  type Outcome,
  runDisturbed,
  sendSignal,
} from './disturbed-command.js';
import { FaultHome } from './fault-home.js';
import { FaultMount } from './fault-mount.js';
import { checkEnvironments, type Expected, ImageChecks, SerialChecks, Violation } from './invariants.js';
import { formatRound, type Kind, type Measure, parseRound, planRounds, type Round } from './plan.js';
import { seededRandom } from './random.js';
import { type Scenario, type Supplies, scenarios } from './scenarios.js';

export interface RoundsOptions {
  rounds: number;
  seed: number;
  kind: Kind;
  /** One round, as `formatRound` writes it, in place of a plan; `rounds` times. */
  only?: string | undefined;
  /** Ends it after the round that is under way. */
  signal?: AbortSignal;
  log(text: string): void;
}

export interface Summary {
  rounds: number;
  kills: number;
  interrupts: number;
  states: { old: number; new: number };
  /** Staged and temporary files that kill -9 left; they are in nobody's way. */
  staged: number;
  /** Rounds in which a program that had been started outlived the one that was killed. */
  orphans: number;
  images: number;
  mount: string;
  violations: string[];
}

const groupEndMs = 60_000;

/** Disturbs commands round by round, in one home with one mount, and checks it after each. */
export async function runRounds(options: RoundsOptions): Promise<Summary> {
  const home = await FaultHome.make();
  try {
    const mount = await FaultMount.make(home.sandbox);
    return await new Rounds(home, mount, options).run();
  } finally {
    await home.sandbox.destroy();
  }
}

class Rounds {
  readonly #home: FaultHome;
  readonly #mount: FaultMount;
  readonly #options: RoundsOptions;
  readonly #images = new ImageChecks();
  readonly #serials = new SerialChecks();
  readonly #measures = new Map<Scenario, Measure>();
  readonly #summary: Summary;

  constructor(home: FaultHome, mount: FaultMount, options: RoundsOptions) {
    this.#home = home;
    this.#mount = mount;
    this.#options = options;
    const counts = { rounds: 0, kills: 0, interrupts: 0, staged: 0, orphans: 0, images: 0 };
    this.#summary = { ...counts, states: { old: 0, new: 0 }, mount: mount.description, violations: [] };
  }

  async run(): Promise<Summary> {
    const { log } = this.#options;
    for (const round of await this.#plan()) {
      if (this.#options.signal?.aborted) break;
      try {
        await this.#runRound(round);
      } catch (error) {
        const isPlain = error instanceof Violation || error instanceof ShenvError;
        const text = isPlain ? error.message : String((error as Error).stack);
        this.#summary.violations.push(`${formatRound(round)}: ${text}`);
        log(`VIOLATION ${formatRound(round)}: ${text}`);
      }
      this.#summary.rounds += 1;
      if (this.#summary.rounds % 100 === 0) log(`${this.#summary.rounds} rounds`);
    }
    await this.#checkAll();
    return this.#summary;
  }

  async #plan(): Promise<Round[]> {
    const { rounds, seed, kind, only, log } = this.#options;
    const one = only === undefined ? undefined : parseRound(only);
    for (const scenario of one ? [one.scenario] : scenarios) {
      const supplies = await this.#prepare(scenario);
      const measured = await measure(this.#home.command(scenario.args(supplies)));
      this.#measures.set(scenario, measured);
      log(`${scenario.name}: ${Math.round(measured.durationMs)} ms, ${measured.calls} calls`);
    }
    if (one) return Array.from({ length: rounds }, () => one);
    return planRounds({ rounds, kind, random: seededRandom(seed) }, this.#measures);
  }

  async #prepare(scenario: Scenario): Promise<Supplies> {
    const supplies = await this.#home.supply();
    await this.#home.reset(scenario);
    return supplies;
  }

  async #runRound({ scenario, fault }: Round): Promise<void> {
    const supplies = await this.#prepare(scenario);
    const command = this.#home.command(scenario.args(supplies));
    const leftBefore = await this.#home.leftovers();
    const before = await this.#home.snapshot();
    const expected: Expected = { before, environment: scenario.environment, after: scenario.after(supplies) };
    const outcome = await runDisturbed(command, fault, this.#measures.get(scenario)!.durationMs);
    this.#summary[fault.signal === 'SIGKILL' ? 'kills' : 'interrupts'] += 1;
    if ((await membersOf(outcome.group)).length > 0) this.#summary.orphans += 1;
    try {
      const state = await this.#check(expected);
      this.#summary.states[state] += 1;
      if (outcome.hung) throw new Violation('the program did not end');
      if (fault.signal === 'SIGINT') {
        assertInterrupted(outcome, state);
        await assertAlone(outcome.group);
        assertClean(await this.#newLeftovers(leftBefore));
      }
      await this.#runAgain(scenario, command, expected, state);
    } finally {
      await this.#endGroup(outcome.group);
    }
    await this.#check({ ...expected, before: await this.#home.snapshot() });
    this.#summary.staged += (await this.#newLeftovers(leftBefore)).length;
  }

  /** The same command succeeds now, also while an orphan of the killed one still runs. */
  async #runAgain(
    { statusAgain, environment }: Scenario,
    command: Command,
    expected: Expected,
    state: 'old' | 'new',
  ): Promise<void> {
    const before = await this.#home.snapshot();
    const { status, stderr } = await runDisturbed(command);
    const wanted = state === 'old' ? 0 : statusAgain;
    if (status !== wanted)
      throw new Violation(
        `run again from its ${state} state it ended with ${status}, not ${wanted}: ${stderr}`,
      );
    // What is done already is refused; any command that succeeds ends with this.
    if (wanted !== 0) await this.#home.reloadMounts();
    const after = await this.#check({ ...expected, before });
    const right = state === 'old' ? 'new' : 'old';
    if (after !== right) throw new Violation(`run again from its ${state} state it left the ${after} one`);
    await this.#mount.assertShows(environment, (await this.#home.snapshot()).get(environment));
  }

  async #check(expected: Expected): Promise<'old' | 'new'> {
    const workspace = this.#home.open();
    const now = await this.#home.snapshot();
    this.#serials.check(now);
    await this.#images.check(workspace.store.layout.images);
    return checkEnvironments(workspace, expected, now);
  }

  async #newLeftovers(before: readonly string[]): Promise<string[]> {
    const known = new Set(before);
    return (await this.#home.leftovers()).filter((path) => !known.has(path));
  }

  /** An orphan ends by itself; what does not is ended here, so that no round disturbs the next. */
  async #endGroup(group: number): Promise<void> {
    try {
      await eventually(async () => (await membersOf(group)).length === 0, 'the group ends', groupEndMs);
    } catch {
      const members = await membersOf(group);
      sendSignal(-group, 'SIGKILL');
      throw new Violation(`an orphan still runs: ${members.join('; ')}`);
    }
  }

  /** Every image once more from its first byte to its last, whatever was checked before. */
  async #checkAll(): Promise<void> {
    this.#images.forget();
    try {
      await this.#images.check(this.#home.open().store.layout.images);
    } catch (error) {
      this.#summary.violations.push(`at the end: ${(error as Error).message}`);
    }
    this.#summary.images = this.#images.count;
  }
}

/** 130 when nothing was changed, 0 when the work was done; a signal's death only before there was a handler. */
function assertInterrupted({ status, signal, stderr }: Outcome, state: 'old' | 'new'): void {
  if (status === 0 && state === 'new') return;
  if (status === 130 && state === 'old' && stderr.includes('interrupted')) return;
  if (signal === 'SIGINT' && state === 'old') return;
  throw new Violation(`Ctrl-C ended it with ${status ?? signal} in its ${state} state: ${stderr}`);
}

async function assertAlone(group: number): Promise<void> {
  const members = await membersOf(group);
  if (members.length > 0) throw new Violation(`Ctrl-C left behind: ${members.join('; ')}`);
}

function assertClean(left: readonly string[]): void {
  if (left.length > 0) throw new Violation(`Ctrl-C left ${left.join(', ')}`);
}
