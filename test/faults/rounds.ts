import { ShenvError } from '../../src/base/errors.js';
import { eventually } from '../support/eventually.js';
import {
  type Command,
  measure,
  membersOf,
  readTally,
  runDisturbed,
  sendSignal,
} from './disturbed-command.js';
import { FaultHome } from './fault-home.js';
import { FaultMount } from './fault-mount.js';
import {
  checkEnvironments,
  type Expected,
  ImageChecks,
  SerialChecks,
  type State,
  Violation,
} from './invariants.js';
import { assertAlone, assertClean, assertFailed, assertInterrupted } from './outcomes.js';
import { formatRound, type Kind, type Measure, parseRound, planRounds, type Round } from './plan.js';
import { seededRandom } from './random.js';
import { type Scenario, type Supplies, scenarios } from './scenarios.js';
import { Servant } from './servants.js';
import { ageRemains, checkCollected, checkStore, rootsOfNothing } from './store-invariants.js';

export interface RoundsOptions {
  rounds: number;
  seed: number;
  kind: Kind;
  /** One round, as `formatRound` writes it, in place of a plan; `rounds` times. */
  only?: string | undefined;
  /** Ends it after the round that is under way. */
  signal?: AbortSignal;
  /** As that, when this time has passed. */
  maxSeconds?: number;
  log(text: string): void;
}

export interface Summary {
  rounds: number;
  kills: number;
  interrupts: number;
  failures: number;
  states: Record<State, number>;
  /** Staged and temporary files that kill -9 left, and that were still there after a collection. */
  staged: number;
  /** Rounds in which a program that had been started outlived the one that was killed. */
  orphans: number;
  images: number;
  mount: string;
  violations: string[];
}

const groupEndMs = 60_000;
const fewRounds = 500;
/** A mount keeps what it has shown for a day, so each has to end at times. */
const roundsPerMount = 200;

/** Disturbs commands round by round, in one home with one mount, and checks it after each. */
export async function runRounds(options: RoundsOptions): Promise<Summary> {
  const home = await FaultHome.make();
  const servant = new Servant(home.servantVariables, home.sandbox.folder);
  let mount: FaultMount | undefined;
  try {
    mount = await FaultMount.make(home.sandbox);
    return await new Rounds(home, mount, servant, options).run();
  } finally {
    mount?.end();
    servant.end();
    await home.sandbox.destroy();
  }
}

class Rounds {
  readonly #home: FaultHome;
  readonly #mount: FaultMount;
  readonly #servant: Servant;
  readonly #options: RoundsOptions;
  readonly #images = new ImageChecks();
  readonly #serials = new SerialChecks();
  readonly #measures = new Map<Scenario, Measure>();
  readonly #summary: Summary;
  readonly #endMs: number;

  constructor(home: FaultHome, mount: FaultMount, servant: Servant, options: RoundsOptions) {
    this.#home = home;
    this.#mount = mount;
    this.#servant = servant;
    this.#options = options;
    this.#endMs = performance.now() + (options.maxSeconds ?? Infinity) * 1000;
    const counts = { rounds: 0, kills: 0, interrupts: 0, failures: 0, staged: 0, orphans: 0, images: 0 };
    const states = { old: 0, between: 0, new: 0 };
    this.#summary = { ...counts, states, mount: mount.description, violations: [] };
  }

  async run(): Promise<Summary> {
    const { log } = this.#options;
    for (const round of await this.#plan()) {
      if (this.#options.signal?.aborted || performance.now() > this.#endMs) break;
      try {
        await this.#runRound(round);
      } catch (error) {
        const isPlain = error instanceof Violation || error instanceof ShenvError;
        const text = isPlain ? error.message : String((error as Error).stack);
        this.#summary.violations.push(`${formatRound(round)}: ${text}`);
        log(`VIOLATION ${formatRound(round)}: ${text}`);
        // So that what it left is no violation of the next rounds, too.
        await this.#servant.run(['store', 'gc', '--older-than', '0']);
      }
      this.#summary.rounds += 1;
      if (this.#summary.rounds % 100 === 0) log(`${this.#summary.rounds} rounds`);
      if (this.#summary.rounds % roundsPerMount === 0) await this.#mount.renew();
    }
    await this.#checkAll();
    return this.#summary;
  }

  async #plan(): Promise<Round[]> {
    const { rounds, seed, kind, only, log } = this.#options;
    const one = only === undefined ? undefined : parseRound(only);
    for (const scenario of one ? [one.scenario] : scenariosFor(rounds)) {
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
    const { mayBeBetween = false } = scenario;
    const expected: Expected = { before, after: scenario.after(supplies), mayBeBetween };
    const outcome = await runDisturbed(command, fault, this.#measures.get(scenario)!.durationMs);
    this.#summary[countOf(fault)] += 1;
    if ((await membersOf(outcome.group)).length > 0) this.#summary.orphans += 1;
    try {
      const state = await this.#check(expected);
      this.#summary.states[state] += 1;
      if (outcome.hung) throw new Violation('the program did not end');
      if ('failure' in fault) {
        assertFailed(fault, outcome, state, await readTally(command), await this.#newLeftovers(leftBefore));
      } else if (fault.signal === 'SIGINT') {
        assertInterrupted(outcome, state);
        await assertAlone(outcome.group);
        assertClean(await this.#newLeftovers(leftBefore));
      }
      await this.#runAgain(scenario, command, expected, state);
    } finally {
      await this.#endGroup(outcome.group);
    }
    await this.#collect();
    await this.#check({ before: await this.#home.snapshot(), after: {}, mayBeBetween: false });
    this.#summary.staged += (await this.#newLeftovers(leftBefore)).length;
  }

  /** The same command succeeds now, also while an orphan of the killed one still runs. */
  async #runAgain(scenario: Scenario, command: Command, expected: Expected, state: State): Promise<void> {
    const { statusAgain, isRepeatable = false } = scenario;
    const before = await this.#home.snapshot();
    const { status, stderr } = await this.#servant.run(command.args);
    const wanted = state === 'new' ? statusAgain : 0;
    if (status !== wanted)
      throw new Violation(
        `run again from its ${state} state it ended with ${status}, not ${wanted}: ${stderr}`,
      );
    // What is done already is refused; any command that succeeds ends with this.
    if (wanted !== 0) await this.#home.reloadMounts();
    const changes = Object.keys(expected.after).length > 0 && (state !== 'new' || isRepeatable);
    const after = await this.#check({ ...expected, before: state === 'between' ? expected.before : before });
    const right = changes ? 'new' : 'old';
    if (after !== right) throw new Violation(`run again from its ${state} state it left the ${after} one`);
    const now = await this.#home.snapshot();
    for (const name of Object.keys(expected.after)) await this.#mount.assertShows(name, now.get(name));
  }

  /**
   * A collection without a grace period leaves what is referred to, and nothing else. A root of nothing is given up
   * by one, and what it referred to is removed by the next.
   */
  async #collect(): Promise<void> {
    const workspace = this.#home.open();
    await ageRemains(workspace.store.layout);
    const hasRoots = (await rootsOfNothing(workspace)).length > 0;
    for (let times = hasRoots ? 2 : 1; times > 0; times -= 1) {
      const { status, stderr } = await this.#servant.run(['store', 'gc', '--older-than', '0']);
      if (status !== 0) throw new Violation(`gc ended with ${status}: ${stderr}`);
    }
    await checkCollected(workspace);
  }

  async #check(expected: Expected): Promise<State> {
    const workspace = this.#home.open();
    const now = await this.#home.snapshot();
    this.#serials.check(now);
    const { images, condemned } = workspace.store.layout;
    await this.#images.check(images, condemned);
    await checkStore(workspace);
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

/** Few rounds would hardly reach what takes long, and measuring it would take most of their time. */
function scenariosFor(rounds: number): readonly Scenario[] {
  if (rounds >= fewRounds) return scenarios;
  return scenarios.filter(({ isSlow, name }) => !isSlow || name === 'install');
}

function countOf(fault: Round['fault']): 'kills' | 'interrupts' | 'failures' {
  if ('failure' in fault) return 'failures';
  return fault.signal === 'SIGKILL' ? 'kills' : 'interrupts';
}
