import { isDeepStrictEqual } from 'node:util';
import type { Manifest } from '../../src/manifest/types.js';
import { eventually } from '../support/eventually.js';
import type { Sandbox } from '../support/sandbox.js';
import { heldBy, Violation } from './invariants.js';

const listMs = 20_000;

/** A mount of the home that stays during all rounds; none where this machine cannot mount. */
export class FaultMount {
  readonly #sandbox: Sandbox;
  readonly #mountpoint: string | undefined;
  readonly description: string;

  private constructor(sandbox: Sandbox, description: string, mountpoint?: string) {
    this.#sandbox = sandbox;
    this.description = description;
    this.#mountpoint = mountpoint;
  }

  static async make(sandbox: Sandbox): Promise<FaultMount> {
    try {
      const mountpoint = await sandbox.mount('auto');
      const [mount] = JSON.parse(await sandbox.expect('status', mountpoint, '--json')) as {
        engine: string;
      }[];
      return new FaultMount(sandbox, `mounted with the engine ${mount?.engine}`, mountpoint);
    } catch (error) {
      if (!/\[(ENGINE_UNAVAILABLE|MOUNT_FAILED)\]/.test(String(error))) throw error;
      return new FaultMount(sandbox, 'not mounted: this machine cannot');
    }
  }

  /** Throws Violation when the mount does not come to show what the manifest says. */
  async assertShows(environment: string, manifest: Manifest | undefined): Promise<void> {
    if (this.#mountpoint === undefined) return;
    const wanted = heldBy(manifest);
    let shown: unknown;
    try {
      await eventually(async () => {
        shown = await this.#shownBy(environment);
        return isDeepStrictEqual(shown, wanted);
      }, 'the mount shows it');
    } catch {
      const texts = [wanted, shown].map((held) => JSON.stringify(held));
      throw new Violation(`the mount shows ${environment} as ${texts[1]}, not as ${texts[0]}`);
    }
  }

  /** Listed by another process: if the mount hangs, that one hangs. */
  async #shownBy(environment: string): Promise<Record<string, string> | undefined> {
    const names = await this.#list();
    if (!names.includes(environment)) return undefined;
    const [python = ''] = await this.#list(environment, 'lib');
    const distInfos = await this.#list(environment, 'lib', python, 'site-packages');
    const found = distInfos
      .map((name) => /^(.+)-(.+)\.dist-info$/.exec(name))
      .filter((match) => match !== null);
    return Object.fromEntries(found.map(([, name = '', version = '']) => [name, version]));
  }

  async #list(...parts: string[]): Promise<string[]> {
    const path = [this.#mountpoint!, ...parts].join('/');
    const { status, stdout, stderr } = await this.#sandbox.run('ls', ['-1', '--', path], listMs);
    if (status === 0) return stdout.split('\n').filter(Boolean);
    throw new Violation(`${path} cannot be listed: ${stderr}`);
  }
}
