import { ShenvError } from '../base/errors.js';
import { loadView } from '../env/load-view.js';
import type { Workspace } from '../env/workspace.js';
import { Image } from '../image/read.js';
import { composeControlView, controlName } from '../view/control-view.js';
import { controlSerial } from '../view/inode.js';
import type { View } from '../view/tree.js';
import type { Publication, ViewSource } from './engine.js';

interface MountedEnvironment {
  environmentSerial: number;
  generation: number;
  /** Set from the first use on. */
  view: Promise<View> | undefined;
}

/** The environments of one workspace as a mount shows them, each composed on first use. */
export class MountedEnvironments implements ViewSource {
  readonly #workspace: Workspace;
  readonly #status: () => string;
  #environments = new Map<string, MountedEnvironment>();
  #control: Promise<View> | undefined;
  /** Environments that cannot be shown, with the reason. */
  readonly failures = new Map<string, string>();

  constructor(workspace: Workspace, status: () => string) {
    this.#workspace = workspace;
    this.#status = status;
  }

  list(): { name: string; environmentSerial: number }[] {
    const roots = [{ name: controlName, environmentSerial: controlSerial }];
    for (const [name, { environmentSerial }] of this.#environments) roots.push({ name, environmentSerial });
    return roots;
  }

  nameOf(environmentSerial: number): string | undefined {
    if (environmentSerial === controlSerial) return controlName;
    for (const [name, environment] of this.#environments) {
      if (environment.environmentSerial === environmentSerial) return name;
    }
    return undefined;
  }

  async load(name: string): Promise<View | undefined> {
    if (name === controlName) {
      this.#control ??= this.#composeControl();
      return this.#control;
    }
    const environment = this.#environments.get(name);
    if (!environment) return undefined;
    environment.view ??= this.#compose(name, environment);
    return environment.view;
  }

  get loadedCount(): number {
    return [...this.#environments.values()].filter(({ view }) => view !== undefined).length;
  }

  /** Reads the home again and tells what an engine has to publish. Loaded views are composed anew. */
  async reload(): Promise<Publication> {
    const { environments } = this.#workspace;
    const before = this.#environments;
    const after = new Map<string, MountedEnvironment>();
    const replaced: Publication['replaced'][number][] = [];
    let rootsChanged = before.size === 0;
    for (const name of await environments.list()) {
      const known = before.get(name);
      const current = await this.#readCurrent(name, known);
      if (current === undefined) continue;
      after.set(name, current);
      if (known?.environmentSerial !== current.environmentSerial) rootsChanged = true;
    }
    this.#environments = after;
    for (const [name, known] of before) {
      if (!after.has(name)) rootsChanged = true;
      if (known === after.get(name) || known.view === undefined) continue;
      const old = await known.view.catch(() => undefined);
      if (old) replaced.push({ name, before: old, after: await this.load(name).catch(() => undefined) });
    }
    replaced.push(...(await this.#reloadControl()));
    return { rootsChanged, replaced };
  }

  async #readCurrent(
    name: string,
    known: MountedEnvironment | undefined,
  ): Promise<MountedEnvironment | undefined> {
    try {
      const generation = (await this.#workspace.environments.generations(name)).at(-1)!;
      const manifest = await this.#workspace.environments.read(name, generation);
      const same = known?.generation === generation && known.environmentSerial === manifest.serial;
      return same ? known : { environmentSerial: manifest.serial, generation, view: undefined };
    } catch (error) {
      if (!(error instanceof ShenvError)) throw error;
      if (error.code !== 'ENVIRONMENT_MISSING') this.failures.set(name, error.message);
      return undefined;
    }
  }

  async #compose(name: string, environment: MountedEnvironment): Promise<View> {
    const { environments, images } = this.#workspace;
    try {
      const manifest = await environments.read(name, environment.generation);
      const view = await loadView(manifest, images, environments.interpreters);
      this.failures.delete(name);
      return view;
    } catch (error) {
      environment.view = undefined;
      this.failures.set(name, error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  async #reloadControl(): Promise<Publication['replaced'][number][]> {
    const old = await this.#control;
    if (!old) return [];
    this.#control = this.#composeControl();
    return [{ name: controlName, before: old, after: await this.#control }];
  }

  async #composeControl(): Promise<View> {
    const images: Image[] = [];
    for await (const { path } of this.#workspace.store.list()) {
      const image = await Image.open(path).catch((error: unknown) => {
        this.failures.set(path, error instanceof Error ? error.message : String(error));
      });
      if (image) images.push(image);
    }
    return composeControlView(images, this.#status, BigInt(Date.now()) * 1_000_000n);
  }
}
