import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../../src/manifest/types.js';
import { eventually } from '../support/eventually.js';
import type { Sandbox } from '../support/sandbox.js';
import { heldBy, Violation } from './invariants.js';
import type { Shown } from './servant.js';
import { Servant } from './servants.js';

/** Modules whose text tells their version. */
const modules = { leaf: 'leaf.py', fresh: 'fresh/a.py' } as const;

/** A mount of the home that stays during all rounds; none where this machine cannot mount. */
export class FaultMount {
  readonly #sandbox: Sandbox;
  readonly #servant: Servant;
  readonly #mountpoint: string | undefined;
  readonly description: string;

  private constructor(sandbox: Sandbox, servant: Servant, description: string, mountpoint?: string) {
    this.#sandbox = sandbox;
    this.#servant = servant;
    this.description = description;
    this.#mountpoint = mountpoint;
  }

  static async make(sandbox: Sandbox): Promise<FaultMount> {
    const servant = new Servant(sandbox.variables, sandbox.folder);
    try {
      const mountpoint = await sandbox.mount('auto');
      const [mount] = JSON.parse(await sandbox.expect('status', mountpoint, '--json')) as {
        engine: string;
      }[];
      return new FaultMount(sandbox, servant, `mounted with the engine ${mount?.engine}`, mountpoint);
    } catch (error) {
      if (/\[(ENGINE_UNAVAILABLE|MOUNT_FAILED)\]/.test(String(error)))
        return new FaultMount(sandbox, servant, 'not mounted: this machine cannot');
      servant.end();
      throw error;
    }
  }

  /** Throws Violation when the mount does not come to show what the manifest says, with the texts of its version. */
  async assertShows(environment: string, manifest: Manifest | undefined): Promise<void> {
    if (this.#mountpoint === undefined) return;
    const wanted = wantedOf(manifest);
    let shown: unknown;
    try {
      await eventually(async () => {
        shown = await this.#servant.show(`${this.#mountpoint}/${environment}`, Object.values(modules));
        return isDeepStrictEqual(shown, wanted);
      }, 'the mount shows it');
    } catch (error) {
      if (error instanceof Violation) throw error;
      const texts = [wanted, shown].map((held) => JSON.stringify(held));
      throw new Violation(`the mount shows ${environment} as ${texts[1]}, not as ${texts[0]}`);
    }
  }

  /** Another mount in its place: what only the old one has shown is unused from now on. */
  async renew(): Promise<void> {
    if (this.#mountpoint === undefined) return;
    await this.#sandbox.expect('unmount', this.#mountpoint);
    await this.#sandbox.expect('mount', this.#mountpoint, '--engine', 'auto');
  }

  end(): void {
    this.#servant.end();
  }
}

/** JSON knows no undefined: what is not there is left out. */
function wantedOf(manifest: Manifest | undefined): Shown | undefined {
  const held = heldBy(manifest);
  if (held === undefined) return undefined;
  const found = Object.entries(modules).filter(([name]) => held[name] !== undefined);
  const texts = found.map(([name, module]) => [module, versionText(held[name]!)] as const);
  return { held, texts: Object.fromEntries(texts) };
}

/** What every module of these wheels consists of. */
export function versionText(version: string): string {
  return `VERSION = "${version}"\n`;
}
