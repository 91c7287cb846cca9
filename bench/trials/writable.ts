import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sandbox } from '../../test/support/sandbox.js';
import { newHome } from '../contenders/shenv.js';
import { bareVenv, pipCommand, venvPlace } from '../contenders/venv.js';
import { listPlace, passes } from '../run/client.js';
import { must, plainVariables, wallMs } from '../run/commands.js';
import type { Place } from '../run/contender.js';
import { diskUsage } from '../run/disk-usage.js';
import { takeTurns } from '../run/turns.js';
import { downloadedSet, sourceOf, type WheelSet } from '../run/wheel-set.js';
import type { Session, Trial } from './trial.js';

const trial = 'writable';
const adopted = 'kernel, adopted';

export const writable: Trial = {
  name: trial,
  title: 'pip in a writable environment',
  about:
    'pip install: the same installation of local wheels, by the same pip, into a new venv on the disk and into a new writable environment in the mount, in turns. reading: open, read and close of every source afterwards, once the store has adopted what pip wrote (`kernel, adopted`), beside the venv and a sealed environment of the same wheels (`kernel`). Then what is left in the upper layer, and how many images a second environment adds into which the same is installed.',
  charts: [{ name: 'pip-install', title: 'pip install', kind: 'ratio', cases: /^pip install/ }],
  cost: { once: 60, rounds: 90 },
  async run(session) {
    const { bench, shelf } = session;
    if (!(await shelf.isReady('kernel'))) return;
    const { python, isQuick } = bench.settings;
    const set = await downloadedSet(bench, isQuick ? 'quick' : 'medium', python);
    const sandbox = await newHome(bench, 'for writing');
    const mountpoint = await sandbox.mount('kernel');
    const sides = [new DiskSide(session, set), new MountedSide(session, set, sandbox, mountpoint)] as const;
    const rounds = isQuick ? bench.rounds : bench.slowRounds;
    const samples = await takeTurns(bench, sides, rounds, (side) => side.install(), 1);
    for (const [{ contender }, all] of samples)
      bench.record(trial, `pip install, ${set.name}`, contender, 'ms', all);
    await bench.attempt(`${trial}, what is adopted`, () => adopt(session, set, sides));
  },
};

/** One way to have a new environment and to let pip install the set into it. */
abstract class Side {
  abstract readonly contender: string;
  protected readonly session: Session;
  readonly #set: WheelSet;
  #round = 0;

  constructor(session: Session, set: WheelSet) {
    this.session = session;
    this.#set = set;
  }

  /** The last one that was installed into. */
  get name(): string {
    return `e${this.#round}`;
  }

  abstract get prefix(): string;
  protected abstract make(): Promise<unknown>;
  protected abstract remove(): Promise<unknown>;

  /** Wall time of pip in ms; the environment stays until the next one is made. */
  async install(): Promise<number> {
    const { python } = this.session.bench.settings;
    if (this.#round > 0) await this.remove();
    this.#round += 1;
    await this.make();
    const [program = '', ...args] = await pipCommand(this.#set, python, this.prefix);
    const install = ['install', ...sourceOf(this.#set), ...this.#set.requirements];
    return wallMs(program, [...args, ...install], { env: plainVariables() });
  }
}

class DiskSide extends Side {
  readonly contender = 'venv';

  get prefix(): string {
    return join(this.session.bench.folder, trial, this.name);
  }

  protected make(): Promise<void> {
    return bareVenv(this.prefix, this.session.bench.settings.python);
  }

  protected remove(): Promise<void> {
    return rm(this.prefix, { recursive: true });
  }
}

class MountedSide extends Side {
  readonly contender = 'kernel';
  readonly sandbox: Sandbox;
  readonly #mountpoint: string;

  constructor(session: Session, set: WheelSet, sandbox: Sandbox, mountpoint: string) {
    super(session, set);
    this.sandbox = sandbox;
    this.#mountpoint = mountpoint;
  }

  get prefix(): string {
    return join(this.#mountpoint, this.name);
  }

  get upper(): string {
    return join(this.sandbox.variables.SHENV_HOME!, 'environments', this.name, 'upper', 'tree');
  }

  protected make(): Promise<string> {
    const { baseExecutable } = this.session.bench.settings.python;
    return this.sandbox.expect(
      'create',
      '--writable',
      this.name,
      '--python',
      baseExecutable,
      '--without-pip',
    );
  }

  protected remove(): Promise<string> {
    return this.sandbox.expect('delete', this.name);
  }
}

async function adopt(
  session: Session,
  set: WheelSet,
  sides: readonly [DiskSide, MountedSide],
): Promise<void> {
  const { bench } = session;
  const [disk, mounted] = sides;
  const record = (name: string, unit: 'bytes' | 'count' | 'ms', value: number) =>
    bench.record(trial, name, mounted.contender, unit, [value]);
  record('upper layer before adoption', 'bytes', await diskUsage(['-B1', mounted.upper]));
  const start = performance.now();
  await mounted.sandbox.expect('adopt', mounted.name);
  record('adopt, whole command', 'ms', performance.now() - start);
  record('upper layer after adoption', 'bytes', await diskUsage(['-B1', mounted.upper]));
  await read(session, set, [disk.prefix, mounted.prefix]);
  const images = await countImages(mounted.sandbox);
  await mounted.install();
  await mounted.sandbox.expect('adopt', mounted.name);
  record('images that a second environment adds', 'count', (await countImages(mounted.sandbox)) - images);
}

async function read(session: Session, set: WheelSet, [disk = '', mounted = '']: string[]): Promise<void> {
  const { bench, shelf, client } = session;
  const { python } = bench.settings;
  const places: Place[] = [
    venvPlace('venv', disk, python),
    await shelf.place('kernel', set),
    venvPlace(adopted, mounted, python),
  ];
  const listed = await Promise.all(places.map((place) => listPlace(session, place, trial)));
  const samples = await takeTurns(
    bench,
    listed,
    bench.rounds,
    ({ list }) => passes(client, 'read', list, 1),
    1,
  );
  for (const [{ place }, all] of samples) bench.record(trial, 'reading, warm', place.contender, 'us', all);
}

async function countImages(sandbox: Sandbox): Promise<number> {
  const { SHENV_HOME } = sandbox.variables;
  const found = await must('find', [join(SHENV_HOME!, 'store'), '-path', '*/images/*', '-type', 'f']);
  return found.split('\n').filter(Boolean).length;
}
