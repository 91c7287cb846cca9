import { mkdir } from 'node:fs/promises';
import { findPlaces } from '../../src/base/paths.js';
import { storeLayout } from '../../src/store/layout.js';
import { seededRandom } from '../faults/random.js';
import type { Servant } from '../faults/servants.js';
import { Creator } from '../storm/creator.js';
import { assertEmptied } from '../storm/emptied.js';
import { writeStormWheel } from '../storm/wheels.js';
import { anyInterpreter } from '../support/interpreters.js';
import { Sandbox } from '../support/sandbox.js';
import { canSimulateHosts, SimulatedHost } from '../support/simulated-host.js';
import { Turns } from '../support/turns.js';

export interface HostsOptions {
  seconds: number;
  seed: number;
  /** Hosts that write; one more only reads. */
  hosts: number;
  /** Of each host that writes. */
  creators: number;
  /** Ends it before its time. */
  signal?: AbortSignal;
}

export interface HostsSummary {
  /** Whether hosts have host names and process ids of their own. */
  isIsolated: boolean;
  mounts: number;
  operations: number;
  collections: number;
  removed: number;
  /** Images that checkers found whole, files that were read through mounts, environments compared after `reload`. */
  found: number;
  read: number;
  compared: number;
  violations: string[];
}

const commonWheels = 6;
const longestWaitMs = 60_000;

/** Several hosts that create, upgrade, seal and collect in one home and one store at once, and a node that only reads. */
export async function runHosts(options: HostsOptions): Promise<HostsSummary> {
  const sandbox = await Sandbox.make();
  const campaign = new Hosts(sandbox, options);
  try {
    return await campaign.run();
  } finally {
    await campaign.end();
    await sandbox.destroy();
  }
}

class Hosts {
  readonly #sandbox: Sandbox;
  readonly #options: HostsOptions;
  readonly #hosts: SimulatedHost[] = [];
  readonly #summary: HostsSummary = {
    isIsolated: false,
    mounts: 0,
    operations: 0,
    collections: 0,
    removed: 0,
    found: 0,
    read: 0,
    compared: 0,
    violations: [],
  };
  readonly #turns: Turns;

  constructor(sandbox: Sandbox, options: HostsOptions) {
    this.#sandbox = sandbox;
    this.#options = options;
    this.#turns = new Turns({
      signal: options.signal,
      violations: this.#summary.violations,
      graceMs: () => this.#graceMs(),
    });
    sandbox.variables.SHENV_STORE = sandbox.path('store');
  }

  async run(): Promise<HostsSummary> {
    await this.#startHosts();
    const writers = this.#hosts.slice(0, this.#options.hosts);
    const creators = await this.#makeCreators(writers);
    const mountpoints = new Map<SimulatedHost, string>();
    for (const host of this.#hosts) {
      const mountpoint = await this.#mount(host);
      if (mountpoint !== undefined) mountpoints.set(host, mountpoint);
    }
    this.#summary.mounts = mountpoints.size;
    this.#turns.begin(this.#options.seconds);
    await Promise.all([
      ...creators.map((creator) => this.#turns.repeat(() => this.#create(creator))),
      ...writers.map((host) => this.#collectOn(host)),
      ...writers.map((host) => this.#checkOn(host)),
      ...[...mountpoints].flatMap(([host, mountpoint]) => [
        this.#readOn(host, mountpoint),
        this.#refreshOn(host, mountpoint),
      ]),
    ]);
    for (const creator of creators) await this.#turns.guard(() => creator.deleteAll());
    for (const [host, mountpoint] of mountpoints)
      await this.#turns.guard(async () => void (await expect(host.servant(), 'unmount', mountpoint)));
    await this.#turns.guard(async () => {
      const servant = writers[0]!.servant();
      const layout = storeLayout(findPlaces(this.#sandbox.variables).store);
      await assertEmptied(layout, () => this.#collect(servant));
    });
    return this.#summary;
  }

  async end(): Promise<void> {
    for (const host of this.#hosts) await host.end();
  }

  /** The last one is a node that cannot write. */
  async #startHosts(): Promise<void> {
    const { variables } = this.#sandbox;
    const shared = [this.#sandbox.path('home'), this.#sandbox.path('store')];
    for (const path of shared) await mkdir(path, { recursive: true });
    this.#summary.isIsolated = await canSimulateHosts();
    for (let index = 0; index <= this.#options.hosts; index += 1) {
      const isNode = index === this.#options.hosts;
      const name = isNode ? 'node' : `host${index}`;
      const options = { name, folder: this.#sandbox.path(name), variables };
      const readOnly = isNode ? { readOnly: shared } : {};
      this.#hosts.push(await SimulatedHost.make({ ...options, ...readOnly }, this.#summary.isIsolated));
    }
  }

  async #makeCreators(writers: readonly SimulatedHost[]): Promise<Creator[]> {
    const python = (await anyInterpreter()).baseExecutable;
    const common: string[] = [];
    for (let index = 1; index <= commonWheels; index += 1)
      common.push(await writeStormWheel(this.#sandbox.path('common'), 'common', `${index}.0`));
    const made: Creator[] = [];
    for (const [at, host] of writers.entries()) {
      for (let index = 0; index < this.#options.creators; index += 1) {
        const name = `${host.name}c${index}`;
        const folder = this.#sandbox.path('creators', name);
        await mkdir(folder, { recursive: true });
        const random = seededRandom(this.#options.seed + at * 100 + index);
        made.push(
          new Creator({ name, servant: host.servant(), random, folder, common, python, isSealing: true }),
        );
      }
    }
    return made;
  }

  /** Undefined where this machine cannot. What other hosts change is only seen with `reload`. */
  async #mount(host: SimulatedHost): Promise<string | undefined> {
    const mountpoint = this.#sandbox.path(host.name, 'mnt');
    try {
      await expect(host.servant(), 'mount', mountpoint, '--engine', 'kernel', '--poll', '0');
      return mountpoint;
    } catch (error) {
      if (!/\[(ENGINE_UNAVAILABLE|MOUNT_FAILED)\]/.test(String(error))) throw error;
      return undefined;
    }
  }

  async #create(creator: Creator): Promise<void> {
    await creator.step();
    this.#summary.operations += 1;
  }

  #collectOn(host: SimulatedHost): Promise<void> {
    const servant = host.servant();
    return this.#turns.repeat(() => this.#collect(servant));
  }

  async #collect(servant: Servant): Promise<void> {
    const text = await expect(servant, 'store', 'gc', '--older-than', '0', '--json');
    this.#summary.collections += 1;
    this.#summary.removed += (JSON.parse(text) as { removed: unknown[] }).removed.length;
  }

  #checkOn(host: SimulatedHost): Promise<void> {
    const servant = host.servant();
    return this.#turns.repeat(async () => {
      this.#summary.found += await servant.check();
    });
  }

  #readOn(host: SimulatedHost, mountpoint: string): Promise<void> {
    const servant = host.servant();
    return this.#turns.repeat(async () => {
      this.#summary.read += await servant.walk(mountpoint);
    });
  }

  #refreshOn(host: SimulatedHost, mountpoint: string): Promise<void> {
    const servant = host.servant();
    return this.#turns.repeat(async () => {
      this.#summary.compared += await servant.refresh(mountpoint);
    });
  }

  /** Something is to be compared, which a busy machine may need longer for. */
  #graceMs(): number {
    const hasCompared = this.#summary.compared > 0 || this.#summary.mounts === 0;
    return hasCompared ? 0 : longestWaitMs;
  }
}

async function expect(servant: Servant, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await servant.run(args);
  if (status === 0) return stdout;
  throw new Error(`shenv-fs ${args.join(' ')} ended with ${status}: ${stderr}`);
}

export function describeHosts(
  { seconds, hosts, creators, seed }: HostsOptions,
  summary: HostsSummary,
): string {
  const { isIsolated, mounts, operations, collections, removed, found, read, compared, violations } = summary;
  const kind = isIsolated
    ? 'with host names and process ids of their own'
    : 'that differ in runtime folders only';
  return (
    `${seconds} s, ${hosts} hosts of ${creators} creators and a node that only reads, ${kind}, ${mounts} mounts: ` +
    `${operations} environments made, changed, sealed and deleted, ${collections} collections, ${removed} images removed, ` +
    `${found} images found whole, ${read} files read, ${compared} environments compared after reload, ` +
    `${violations.length} violations, seed ${seed}`
  );
}
