import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findPlaces } from '../../src/base/paths.js';
import { storeLayout } from '../../src/store/layout.js';
import { seededRandom } from '../faults/random.js';
import { Servant } from '../faults/servants.js';
import { anyInterpreter } from '../support/interpreters.js';
import { Sandbox } from '../support/sandbox.js';
import { Turns } from '../support/turns.js';
import { Creator } from './creator.js';
import { assertEmptied } from './emptied.js';
import { writeStormWheel } from './wheels.js';

export interface StormOptions {
  seconds: number;
  seed: number;
  creators: number;
  /** Of the homes in turn. */
  mounts: number;
  /** Ends it before its time. */
  signal?: AbortSignal;
}

export interface StormSummary {
  /** None where this machine cannot mount. */
  mounts: number;
  operations: number;
  collections: number;
  removed: number;
  /** Images that the checkers have found, and files that were read through mounts. */
  found: number;
  read: number;
  violations: string[];
}

const homes = 2;
const commonWheels = 6;
/** A mount keeps what it has shown for a day, so each begins anew at times. */
const walksPerMount = 20;

/** Collections, creators, readers and checkers at once: two homes on one store. */
export async function runStorm(options: StormOptions): Promise<StormSummary> {
  const sandboxes = [await Sandbox.make(), await Sandbox.make()];
  const storm = new Storm(sandboxes, options);
  try {
    return await storm.run();
  } finally {
    storm.end();
    for (const sandbox of sandboxes) await sandbox.destroy();
  }
}

class Storm {
  readonly #sandboxes: readonly Sandbox[];
  readonly #options: StormOptions;
  readonly #servants: Servant[] = [];
  readonly #summary: StormSummary = {
    mounts: 0,
    operations: 0,
    collections: 0,
    removed: 0,
    found: 0,
    read: 0,
    violations: [],
  };
  readonly #turns: Turns;

  constructor(sandboxes: readonly Sandbox[], options: StormOptions) {
    this.#sandboxes = sandboxes;
    this.#options = options;
    this.#turns = new Turns({ signal: options.signal, violations: this.#summary.violations });
    for (const { variables } of sandboxes) variables.SHENV_STORE = sandboxes[0]!.path('store');
  }

  async run(): Promise<StormSummary> {
    const { seconds, mounts } = this.#options;
    const creators = await this.#makeCreators();
    const mountpoints: string[] = [];
    for (let index = 0; index < mounts; index += 1) {
      const mountpoint = await this.#mount(index);
      if (mountpoint !== undefined) mountpoints.push(mountpoint);
    }
    this.#summary.mounts = mountpoints.length;
    this.#turns.begin(seconds);
    const collector = this.#servant(0);
    await Promise.all([
      ...creators.map((creator) => this.#turns.repeat(() => this.#create(creator))),
      ...mountpoints.map((mountpoint, index) => this.#readFrom(mountpoint, index)),
      ...this.#sandboxes.map((_, index) => this.#checkHome(index)),
      this.#turns.repeat(() => this.#collect(collector)),
    ]);
    for (const creator of creators) await this.#turns.guard(() => creator.deleteAll());
    for (const [index, mountpoint] of mountpoints.entries())
      await this.#turns.guard(async () => void (await this.#sandboxOf(index).expect('unmount', mountpoint)));
    await this.#turns.guard(() =>
      assertEmptied(storeLayout(findPlaces(this.#sandboxes[0]!.variables).store), () =>
        this.#collect(collector),
      ),
    );
    return this.#summary;
  }

  end(): void {
    for (const servant of this.#servants) servant.end();
  }

  async #makeCreators(): Promise<Creator[]> {
    const { creators, seed } = this.#options;
    const python = (await anyInterpreter()).baseExecutable;
    const folder = this.#sandboxes[0]!.path('common');
    const common: string[] = [];
    for (let index = 1; index <= commonWheels; index += 1)
      common.push(await writeStormWheel(folder, 'common', `${index}.0`));
    const made: Creator[] = [];
    for (let index = 0; index < creators; index += 1) {
      const name = `c${index}`;
      const itsFolder = this.#sandboxOf(index).path('creators', name);
      await mkdir(itsFolder, { recursive: true });
      const random = seededRandom(seed + index);
      made.push(
        new Creator({ name, servant: this.#servant(index), random, folder: itsFolder, common, python }),
      );
    }
    return made;
  }

  /** Undefined where this machine cannot. */
  async #mount(index: number): Promise<string | undefined> {
    try {
      return await this.#sandboxOf(index).mount('kernel', `mnt${index}`);
    } catch (error) {
      if (!/\[(ENGINE_UNAVAILABLE|MOUNT_FAILED)\]/.test(String(error))) throw error;
      return undefined;
    }
  }

  async #create(creator: Creator): Promise<void> {
    await creator.step();
    this.#summary.operations += 1;
  }

  async #collect(collector: Servant): Promise<void> {
    const args = ['store', 'gc', '--older-than', '0', '--json'];
    const { status, stdout, stderr } = await collector.run(args);
    if (status !== 0) throw new Error(`gc ended with ${status}: ${stderr}`);
    this.#summary.collections += 1;
    this.#summary.removed += (JSON.parse(stdout) as { removed: unknown[] }).removed.length;
  }

  async #checkHome(index: number): Promise<void> {
    const checker = this.#servant(index);
    await this.#turns.repeat(async () => {
      this.#summary.found += await checker.check();
    });
  }

  async #readFrom(mountpoint: string, index: number): Promise<void> {
    const reader = this.#servant(index);
    const sandbox = this.#sandboxOf(index);
    let walks = 0;
    await this.#turns.repeat(async () => {
      this.#summary.read += await reader.walk(mountpoint);
      walks += 1;
      if (walks % walksPerMount !== 0) return;
      await sandbox.expect('unmount', mountpoint);
      await sandbox.expect('mount', mountpoint, '--engine', 'kernel');
    });
  }

  #servant(index: number): Servant {
    const { variables, folder } = this.#sandboxOf(index);
    const servant = new Servant(variables, join(folder));
    this.#servants.push(servant);
    return servant;
  }

  #sandboxOf(index: number): Sandbox {
    return this.#sandboxes[index % homes]!;
  }
}

export function describeStorm(
  { seconds, creators, seed }: StormOptions,
  { mounts, operations, collections, removed, found, read, violations }: StormSummary,
): string {
  return (
    `${seconds} s, ${creators} creators, ${mounts} mounts: ${operations} environments made, changed and deleted, ` +
    `${collections} collections, ${removed} images removed, ${found} images found whole, ${read} files read, ` +
    `${violations.length} violations, seed ${seed}`
  );
}
