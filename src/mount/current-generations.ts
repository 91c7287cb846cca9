import { ShenvError } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import { parseReference } from '../env/name.js';
import { isSameMark } from '../env/upper-folder.js';
import type { Workspace } from '../env/workspace.js';
import { logFailure } from './log-events.js';
import type { MountedEnvironment } from './mounted-environment.js';

interface Options {
  /** As `MountedOptions.only`. */
  only: string | undefined;
  /** Where what cannot be read is noted, by name. */
  failures: Map<string, string>;
  log: Logger;
}

/** What a home says by now of the environments that a mount shows: their generation, and whether anything lies over it. */
export class CurrentGenerations {
  readonly #workspace: Workspace;
  readonly #options: Options;
  /** Composed anew though their generation is the same. */
  readonly #outdated = new Set<string>();

  constructor(workspace: Workspace, options: Options) {
    this.#workspace = workspace;
    this.#options = options;
  }

  /** The next `read` of it takes it for another than before. */
  outdate(name: string): void {
    this.#outdated.add(name);
  }

  async names(): Promise<string[]> {
    const { only } = this.#options;
    return only === undefined ? this.#workspace.environments.list() : [only];
  }

  /** `known` itself where it is the same still. Undefined for what cannot be shown; one that is shown alone stays. */
  async read(name: string, known: MountedEnvironment | undefined): Promise<MountedEnvironment | undefined> {
    try {
      const { environments } = this.#workspace;
      const reference = parseReference(name);
      const generation = reference.generation ?? (await environments.generations(name)).at(-1)!;
      const manifest = await environments.read(reference.name, generation);
      if (this.#isAnother(manifest.serial, known)) return undefined;
      const upper = await environments.upper(reference.name).mark();
      const isSameUpper = known?.upper === undefined || isSameMark(known.upper, upper);
      const isSame = known?.generation === generation && known.environmentSerial === manifest.serial;
      // A new generation is composed anyway: it must not count for the next read too.
      const isOutdated = this.#outdated.delete(name);
      if (isSame && isSameUpper && !isOutdated) {
        known.upper = upper;
        return known;
      }
      return { environmentSerial: manifest.serial, generation, view: undefined, images: [], upper };
    } catch (error) {
      if (!(error instanceof ShenvError)) throw error;
      if (error.code === 'ENVIRONMENT_MISSING') return undefined;
      this.#options.failures.set(name, error.message);
      logFailure(this.#options.log, 'environment-failed', name, error);
      return this.#options.only === undefined ? undefined : known;
    }
  }

  /** One that is shown alone is gone when another was made under its name. */
  #isAnother(environmentSerial: number, known: MountedEnvironment | undefined): boolean {
    return (
      this.#options.only !== undefined && known !== undefined && known.environmentSerial !== environmentSerial
    );
  }
}
