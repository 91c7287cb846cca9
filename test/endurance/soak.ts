import { mkdir } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { run } from '../../src/base/run.js';
import type { Probe } from '../../src/python/probe.js';
import { Violation } from '../faults/invariants.js';
import { seededRandom } from '../faults/random.js';
import { Servant } from '../faults/servants.js';
import { writeStormWheel } from '../storm/wheels.js';
import { anyInterpreter, bundledWheels, interpreterOf } from '../support/interpreters.js';
import { Sandbox } from '../support/sandbox.js';
import { Turns } from '../support/turns.js';
import { Changer } from './changer.js';
import { describeVerdict, judge, type Verdict } from './flatness.js';
import { plot } from './plot.js';
import { ProcessWatch, processesOf } from './watch-processes.js';

export interface SoakOptions {
  seconds: number;
  seed: number;
  engine: string;
  changers: number;
  importers: number;
  walkers: number;
  /** Ends it before its time. */
  signal?: AbortSignal;
}

export interface SoakSummary {
  imports: number;
  /** Files that walkers have read, in environments that change and in one distribution that must not. */
  read: number;
  changes: Record<string, number>;
  collections: number;
  /** By process of the daemon; none where the time was too short to judge. */
  verdicts: { process: string; verdicts: Verdict[] }[];
  violations: string[];
  /** SVG of what the daemon's processes held. */
  picture: string;
}

const lasting = 'lasting';
const versions = 12;
/** The last Python whose ensurepip carries setuptools too, a large distribution. */
const preferredMinor = '3.11';
const collectionPauseMs = 1500;
const programTimeoutMs = 120_000;
const leastSamples = 16;

/** Walkers, importers, changes and collections at once on one mount. Throws only when it cannot begin. */
export async function runSoak(options: SoakOptions): Promise<SoakSummary> {
  const sandbox = await Sandbox.make();
  const soak = new Soak(sandbox, options);
  try {
    return await soak.run();
  } finally {
    soak.end();
    await sandbox.destroy();
  }
}

class Soak {
  readonly #sandbox: Sandbox;
  readonly #options: SoakOptions;
  readonly #servants: Servant[] = [];
  readonly #summary: SoakSummary = {
    imports: 0,
    read: 0,
    changes: {},
    collections: 0,
    verdicts: [],
    violations: [],
    picture: '',
  };
  readonly #turns: Turns;

  constructor(sandbox: Sandbox, options: SoakOptions) {
    this.#sandbox = sandbox;
    this.#options = options;
    this.#turns = new Turns({ signal: options.signal, violations: this.#summary.violations });
  }

  async run(): Promise<SoakSummary> {
    const { engine, seconds, importers, walkers } = this.#options;
    const changers = await this.#makeChangers();
    await changers[0]!.createLasting(lasting);
    const mountpoint = await this.#sandbox.mount(engine);
    const watch = new ProcessWatch(processesOf(await this.#status(mountpoint)));
    this.#turns.begin(seconds);
    const repeat = (count: number, step: (index: number) => Promise<void>) =>
      Array.from({ length: count }, (_, index) => this.#turns.repeat(() => step(index)));
    const walking = Array.from({ length: walkers }, () => this.#servant());
    const collector = this.#servant();
    await Promise.all([
      ...repeat(importers, () => this.#import(mountpoint)),
      ...repeat(walkers, (index) => this.#walk(walking[index]!, mountpoint)),
      ...repeat(1, () => this.#readSteady(mountpoint)),
      ...repeat(changers.length, (index) => this.#change(changers[index]!, index === 0)),
      ...repeat(1, () => this.#collect(collector)),
    ]);
    await this.#turns.guard(() => watch.end());
    await this.#turns.guard(() => this.#checkAlive(mountpoint, watch));
    this.#judge(watch);
    return this.#summary;
  }

  end(): void {
    for (const servant of this.#servants) servant.end();
  }

  async #makeChangers(): Promise<Changer[]> {
    const { changers, seed } = this.#options;
    const probe = await interpreter();
    const wheels: string[] = [];
    for (let index = 1; index <= versions; index += 1)
      wheels.push(await writeStormWheel(this.#sandbox.path('wheels'), 'changing', `${index}.0`));
    const folder = this.#sandbox.path('locks');
    await mkdir(folder);
    const shared = { folder, wheels, steady: await bundledWheels(probe), python: probe.baseExecutable };
    return Array.from({ length: changers }, (_, index) => {
      const random = seededRandom(seed + index);
      return new Changer({ ...shared, name: `c${index}`, servant: this.#servant(), random });
    });
  }

  async #status(mountpoint: string): Promise<unknown> {
    return (JSON.parse(await this.#sandbox.expect('status', mountpoint, '--json')) as unknown[])[0];
  }

  /** Real modules of real wheels, by the environment's own interpreter, while the environment around them changes. */
  async #import(mountpoint: string): Promise<void> {
    const python = `${mountpoint}/${lasting}/bin/python`;
    const code = `
import importlib, sys
names = ['pip._internal.cli.main', 'pip._internal.commands.install', 'pip._vendor.rich.console']
for name in names: assert importlib.import_module(name).__file__.startswith(sys.prefix), name
print(len(sys.modules))`;
    const { status, stdout, stderr } = await this.#program('env', [python, '-I', '-W', 'ignore', '-c', code]);
    if (status !== 0 || stderr !== '' || Number(stdout) < 200)
      throw new Violation(`an import ended with ${status}: ${stdout} ${stderr}`);
    this.#summary.imports += 1;
  }

  async #walk(servant: Servant, mountpoint: string): Promise<void> {
    this.#summary.read += await servant.walk(mountpoint);
  }

  #steadyBytes: string | undefined;

  /** A distribution that no change touches has the same files and bytes at every look. */
  async #readSteady(mountpoint: string): Promise<void> {
    const script =
      'cd "$1"/lib/*/site-packages/pip && find . -type f -print | wc -l && find . -type f -exec cat {} + | wc -c';
    const { status, stdout, stderr } = await this.#program('sh', [
      '-c',
      script,
      '-',
      `${mountpoint}/${lasting}`,
    ]);
    if (status !== 0 || stderr !== '') throw new Violation(`reading pip ended with ${status}: ${stderr}`);
    this.#steadyBytes ??= stdout;
    if (stdout !== this.#steadyBytes) throw new Violation(`pip has ${stdout} and had ${this.#steadyBytes}`);
    this.#summary.read += Number(stdout.split('\n')[0]);
  }

  async #change(changer: Changer, hasLasting: boolean): Promise<void> {
    const change = await changer.step();
    this.#summary.changes[change] = (this.#summary.changes[change] ?? 0) + 1;
    if (hasLasting) await changer.changeLasting(lasting);
  }

  async #collect(collector: Servant): Promise<void> {
    const { status, stderr } = await collector.run(['store', 'gc', '--older-than', '0']);
    if (status !== 0) throw new Violation(`gc ended with ${status}: ${stderr}`);
    this.#summary.collections += 1;
    const leftMs = Math.max(0, Math.min(collectionPauseMs, this.#turns.leftMs));
    await setTimeout(leftMs);
  }

  #program(name: string, args: readonly string[]) {
    return run(name, args, { env: this.#sandbox.variables, timeoutMs: programTimeoutMs });
  }

  /** The same processes as at the beginning serve it, and nothing that it shows is out of order. */
  async #checkAlive(mountpoint: string, { processes }: ProcessWatch): Promise<void> {
    const status = (await this.#status(mountpoint)) as { failures: object; details: { ioErrors?: number } };
    const pids = processesOf(status).map(({ pid }) => pid);
    if (processes.some(({ pid }) => !pids.includes(pid)))
      throw new Violation('another process serves the mount');
    if (Object.keys(status.failures).length > 0 || (status.details.ioErrors ?? 0) > 0)
      throw new Violation(`the mount has failures: ${JSON.stringify([status.failures, status.details])}`);
  }

  #judge({ processes }: ProcessWatch): void {
    const { seconds, seed } = this.#options;
    this.#summary.picture = plot(`${seconds} s, seed ${seed}`, processes);
    for (const { name, samples } of processes) {
      // One that was ended before its time is still warming up.
      if (samples.length < leastSamples || samples.at(-1)!.seconds < seconds * 0.9) continue;
      const verdicts = judge(samples);
      this.#summary.verdicts.push({ process: name, verdicts });
      for (const verdict of verdicts.filter(({ isFlat }) => !isFlat))
        this.#summary.violations.push(`${name}: ${describeVerdict(verdict)}`);
    }
  }

  #servant(): Servant {
    const servant = new Servant(this.#sandbox.variables, this.#sandbox.folder);
    this.#servants.push(servant);
    return servant;
  }
}

async function interpreter(): Promise<Probe> {
  const preferred = await interpreterOf(preferredMinor);
  return preferred?.ensurepipWheel ? preferred : anyInterpreter();
}

export function describeSoak({ seconds, seed, engine }: SoakOptions, summary: SoakSummary): string {
  const { imports, read, changes, collections, verdicts, violations } = summary;
  const list = Object.entries(changes).map(([change, count]) => `${count} ${change}`);
  const held = verdicts.map(
    ({ process, verdicts: each }) => `; ${process}: ${each.map(describeVerdict).join(', ')}`,
  );
  return (
    `${seconds} s, engine ${engine}: ${imports} imports, ${read} files read, changes: ${list.join(', ')}; ` +
    `${collections} collections${held.join('')}; ${violations.length} violations, seed ${seed}`
  );
}
