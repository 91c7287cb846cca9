import { ShenvError } from '../base/errors.js';
import { loadView } from '../env/load-view.js';
import { parseReference } from '../env/name.js';
import type { Workspace } from '../env/workspace.js';
import type { Image } from '../image/read.js';
import { ImageCache } from '../store/image-cache.js';
import type { ImageName } from '../store/layout.js';
import { imagesOf } from '../store/roots.js';
import { ShownSerials } from '../store/shown-serials.js';
import type { StoredImage } from '../store/store.js';
import { composeControlView, controlName } from '../view/control-view.js';
import { controlSerial } from '../view/inode.js';
import type { View } from '../view/tree.js';
import { BroughtImages } from './brought-images.js';
import { isRenewed, type Publication, type ViewSource } from './engine.js';
import type { ShownImages } from './shown-images.js';

interface MountedEnvironment {
  environmentSerial: number;
  generation: number;
  /** Set from the first use on. */
  view: Promise<View> | undefined;
  /** What the view shows; known before it is composed. */
  images: readonly ImageName[];
}

export interface MountedOptions {
  /** Content of `.shenv/status.json`. */
  status: () => string;
  /** Show this environment, or this generation of one (`web@3`), alone; no other is read, and there is no `.shenv`. */
  only: string | undefined;
  /** Told what is shown before it is opened. */
  shown: ShownImages;
}

/** The environments of one workspace as a mount shows them, each composed on first use. */
export class MountedEnvironments implements ViewSource {
  readonly #workspace: Workspace;
  readonly #options: MountedOptions;
  readonly #serials = new ShownSerials();
  readonly #images: ImageCache;
  readonly #brought: BroughtImages;
  #environments = new Map<string, MountedEnvironment>();
  #control: Promise<View> | undefined;
  /** Environments that cannot be shown, with the reason. */
  readonly failures = new Map<string, string>();

  constructor(workspace: Workspace, options: MountedOptions) {
    this.#workspace = workspace;
    this.#options = options;
    this.#images = new ImageCache(workspace.store, this.#serials);
    this.#brought = new BroughtImages(workspace);
  }

  list(): { name: string; environmentSerial: number }[] {
    const isWhole = this.#options.only === undefined;
    const roots = isWhole ? [{ name: controlName, environmentSerial: controlSerial }] : [];
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

  /** Only where all environments are shown: the image of a file that is not known yet may be in any of them. */
  nameBringing(imageSerial: number): Promise<string | undefined> {
    return this.#brought.find(imageSerial, this.#environments);
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

  /** 0 once the environment that is shown alone is deleted. */
  get count(): number {
    return this.#environments.size;
  }

  get loadedCount(): number {
    return [...this.#environments.values()].filter(({ view }) => view !== undefined).length;
  }

  /**
   * Reads the home again and tells what an engine has to publish. Loaded views are composed anew. One that is shown
   * alone stays as it was when its new generation cannot be read or composed. `renewed` are paths of images whose files
   * were replaced; what shows them is composed anew too.
   */
  async reload(renewed: ReadonlySet<string> = new Set()): Promise<Publication> {
    await this.#images.forget(renewed);
    this.#serials.renew(renewed);
    this.#brought.forget();
    const before = this.#environments;
    const after = new Map<string, MountedEnvironment>();
    const replaced: Publication['replaced'][number][] = [];
    let rootsChanged = before.size === 0;
    for (const name of await this.#names()) {
      const known = before.get(name);
      const current = await this.#readCurrent(name, known);
      if (current === undefined) continue;
      after.set(name, (await showsAny(current, renewed)) ? { ...current, view: undefined } : current);
      if (known?.environmentSerial !== current.environmentSerial) rootsChanged = true;
    }
    this.#environments = after;
    for (const [name, known] of before) {
      if (!after.has(name)) rootsChanged = true;
      if (known === after.get(name) || known.view === undefined) continue;
      const old = await known.view.catch(() => undefined);
      const composed = await this.load(name).catch(() => undefined);
      if (!composed && this.#options.only !== undefined && after.has(name)) after.set(name, known);
      else if (old) replaced.push({ name, before: old, after: composed });
    }
    replaced.push(...(await this.#reloadControl()));
    await this.#options.shown.settle(
      new Set([...after.values()].flatMap(({ images }) => images)),
      Date.now(),
    );
    return { rootsChanged, replaced, renewed };
  }

  async #names(): Promise<string[]> {
    const { only } = this.#options;
    return only === undefined ? this.#workspace.environments.list() : [only];
  }

  /** Undefined for what cannot be shown. */
  async #readCurrent(
    name: string,
    known: MountedEnvironment | undefined,
  ): Promise<MountedEnvironment | undefined> {
    try {
      const { environments } = this.#workspace;
      const reference = parseReference(name);
      const generation = reference.generation ?? (await environments.generations(name)).at(-1)!;
      const manifest = await environments.read(reference.name, generation);
      if (this.#isAnother(manifest.serial, known)) return undefined;
      const same = known?.generation === generation && known.environmentSerial === manifest.serial;
      return same ? known : { environmentSerial: manifest.serial, generation, view: undefined, images: [] };
    } catch (error) {
      if (!(error instanceof ShenvError)) throw error;
      if (error.code === 'ENVIRONMENT_MISSING') return undefined;
      this.failures.set(name, error.message);
      return this.#options.only === undefined ? undefined : known;
    }
  }

  /** One that is shown alone is gone when another was made under its name. */
  #isAnother(environmentSerial: number, known: MountedEnvironment | undefined): boolean {
    return (
      this.#options.only !== undefined && known !== undefined && known.environmentSerial !== environmentSerial
    );
  }

  async #compose(name: string, environment: MountedEnvironment): Promise<View> {
    const { environments } = this.#workspace;
    try {
      const manifest = await environments.read(parseReference(name).name, environment.generation);
      environment.images = [...imagesOf(manifest.layers)];
      await this.#options.shown.cover(environment.images);
      const view = await loadView(manifest, this.#images, environments.interpreters);
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
    for (const key of this.failures.keys()) if (key.startsWith('/')) this.failures.delete(key);
    const wheels = new Set<string>();
    for await (const stored of this.#workspace.store.list()) {
      const image = await this.#readListed(stored);
      if (!image || wheels.has(image.wheelDigest)) continue;
      wheels.add(image.wheelDigest);
      images.push(image);
    }
    return composeControlView(images, this.#options.status, BigInt(Date.now()) * 1_000_000n);
  }

  /** Undefined for what cannot be shown. */
  async #readListed(stored: StoredImage): Promise<Image | undefined> {
    try {
      const image = await this.#workspace.store.read(stored);
      if (image) this.#serials.admit(image);
      this.failures.delete(stored.path);
      return image;
    } catch (error) {
      this.failures.set(stored.path, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }
}

async function showsAny({ view }: MountedEnvironment, renewed: ReadonlySet<string>): Promise<boolean> {
  if (renewed.size === 0) return false;
  const shown = await view?.catch(() => undefined);
  return (shown?.layers ?? []).some(({ image }) => isRenewed(image, renewed));
}
