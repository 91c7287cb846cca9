import { ShenvError } from '../base/errors.js';
import { loadView } from '../env/load-view.js';
import { parseReference } from '../env/name.js';
import { loadSealed } from '../env/sealed/load.js';
import type { Workspace } from '../env/workspace.js';
import type { Manifest } from '../manifest/types.js';
import { ImageCache } from '../store/image-cache.js';
import { imagesOf } from '../store/roots.js';
import { ShownSerials } from '../store/shown-serials.js';
import { controlName } from '../view/control-view.js';
import { controlSerial } from '../view/inode.js';
import type { View } from '../view/tree.js';
import { BroughtImages } from './brought-images.js';
import { ControlFolder } from './control-folder.js';
import { isRenewed, type Publication, type ViewSource } from './engine.js';
import { logComposed, logFailure } from './log-events.js';
import { type MountedEnvironment, type MountedOptions, shownGeneration } from './mounted-environment.js';
import { ReplacedImages } from './replaced-images.js';
import type { Inherited, ShownGeneration } from './shown-journal.js';

/** So many images stay in memory that nothing shows. */
const mostUnshown = 128;

/** The environments of one workspace as a mount shows them, each composed on first use. */
export class MountedEnvironments implements ViewSource {
  readonly #workspace: Workspace;
  readonly #options: MountedOptions;
  readonly #serials = new ShownSerials();
  readonly #images: ImageCache;
  readonly #brought: BroughtImages;
  #environments = new Map<string, MountedEnvironment>();
  readonly #control: ControlFolder;
  /** What the kernel may know of a process before this one, beside `#environments`. */
  #earlier: readonly ShownGeneration[] = [];
  /** Environments that cannot be shown, with the reason. */
  readonly failures = new Map<string, string>();
  /** Environments that are shown from their images although they are sealed, with the reason. */
  readonly warnings = new Map<string, string>();
  readonly #replaced: ReplacedImages;

  constructor(workspace: Workspace, options: MountedOptions) {
    this.#workspace = workspace;
    this.#options = options;
    this.#images = new ImageCache(workspace.store, this.#serials, mostUnshown);
    this.#brought = new BroughtImages(workspace);
    this.#replaced = new ReplacedImages(workspace.store);
    const { status, log } = options;
    this.#control = new ControlFolder(workspace.store, {
      status,
      serials: this.#serials,
      failures: this.failures,
      log,
    });
  }

  /** Begins with what a process before this one showed; the next reload finds what has changed since. */
  inherit({ generations, loaded }: Inherited): void {
    const earlier: ShownGeneration[] = [];
    for (const [name, list] of generations) {
      const last = list.at(-1);
      if (!last) continue;
      earlier.push(...list.slice(0, -1));
      const { environmentSerial, generation } = last;
      const wasShown = loaded.has(environmentSerial);
      this.#environments.set(name, { environmentSerial, generation, view: undefined, images: [], wasShown });
    }
    this.#earlier = earlier;
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
      return this.#control.load();
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

  /** Images in memory. */
  get imageCount(): number {
    return this.#images.count;
  }

  get loadedCount(): number {
    return [...this.#environments.values()].filter(({ view }) => view !== undefined).length;
  }

  /**
   * Reads the home again and tells what an engine has to publish. Loaded views are composed anew. One that is shown
   * alone stays as it was when its new generation cannot be read or composed. `told` are paths of images whose files
   * were replaced; what shows them is composed anew too.
   */
  async reload(told: ReadonlySet<string> = new Set()): Promise<Publication> {
    const renewed = new Set([...told, ...(await this.#replaced.find(this.#views()))]);
    await this.#images.forget(renewed);
    this.#serials.renew(renewed);
    this.#brought.forget();
    const before = this.#environments;
    const after = new Map<string, MountedEnvironment>();
    const replaced: Publication['replaced'][number][] = [];
    const forgotten: Publication['forgotten'][number][] = [];
    let rootsChanged = before.size === 0;
    const names = await this.#names();
    for (const name of names) {
      const known = before.get(name);
      const current = await this.#readCurrent(name, known);
      if (current === undefined) continue;
      const isRenewed = await this.#showsAny(name, current, renewed);
      after.set(name, isRenewed ? { ...current, view: undefined } : current);
      if (known?.environmentSerial !== current.environmentSerial) rootsChanged = true;
    }
    this.#tellJournal(before, after);
    this.#environments = after;
    this.#forgetFailures(names);
    for (const [name, known] of before) {
      if (!after.has(name)) rootsChanged = true;
      if (known === after.get(name) || (known.view === undefined && !known.wasShown)) continue;
      const old = await this.#viewOf(name, known);
      const isSure = old !== undefined && (known.view !== undefined || renewed.size === 0);
      if (known.wasShown && !isSure) forgotten.push({ name, environmentSerial: known.environmentSerial });
      if (!after.has(name)) this.failures.delete(name);
      const composed = await this.load(name).catch(() => undefined);
      if (!composed && this.#options.only !== undefined && after.has(name)) this.#keep(name, known);
      else if (old) replaced.push({ name, before: old, after: composed });
    }
    for (const item of this.#earlier) {
      const old = await this.#viewOf(item.name, { ...item, view: undefined, images: [] });
      if (old)
        replaced.push({
          name: item.name,
          before: old,
          after: await this.load(item.name).catch(() => undefined),
        });
      forgotten.push(item);
    }
    this.#earlier = [];
    replaced.push(...(await this.#control.reload()));
    await this.#options.shown.settle(
      new Set([...after.values()].flatMap(({ images }) => images)),
      Date.now(),
    );
    return { rootsChanged, replaced, forgotten, renewed };
  }

  #tellJournal(
    before: ReadonlyMap<string, MountedEnvironment>,
    after: ReadonlyMap<string, MountedEnvironment>,
  ): void {
    const changed = [...after].filter(([name, { environmentSerial, generation }]) => {
      const known = before.get(name);
      return known?.environmentSerial !== environmentSerial || known.generation !== generation;
    });
    const gone = [...before.keys()].filter((name) => !after.has(name));
    this.#options.journal?.change(changed.map(shownGeneration), gone);
  }

  /** One that is shown alone is shown as before. */
  #keep(name: string, known: MountedEnvironment): void {
    this.#environments.set(name, known);
    this.#options.journal?.change([shownGeneration([name, known])], []);
  }

  /** As it was shown; undefined when that cannot be composed any more. */
  async #viewOf(name: string, known: MountedEnvironment): Promise<View | undefined> {
    return (known.view ?? this.#compose(name, known)).catch(() => undefined);
  }

  #views(): (Promise<View> | undefined)[] {
    return [...this.#environments.values()].map(({ view }) => view);
  }

  async #showsAny(name: string, known: MountedEnvironment, renewed: ReadonlySet<string>): Promise<boolean> {
    if (renewed.size === 0 || (known.view === undefined && !known.wasShown)) return false;
    const shown = await this.#viewOf(name, known);
    return (shown?.layers ?? []).some(({ image }) => isRenewed(image, renewed));
  }

  /** Of environments that are gone; those of images, under their paths, are forgotten when all are listed again. */
  #forgetFailures(names: readonly string[]): void {
    const known = new Set(names);
    for (const key of [...this.failures.keys()])
      if (!key.startsWith('/') && !known.has(key)) this.failures.delete(key);
    for (const name of [...this.warnings.keys()]) if (!known.has(name)) this.warnings.delete(name);
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

  async #compose(name: string, environment: MountedEnvironment): Promise<View> {
    const { environments } = this.#workspace;
    const startedMs = performance.now();
    try {
      const manifest = await environments.read(parseReference(name).name, environment.generation);
      environment.images = [...imagesOf(manifest.layers)];
      await this.#options.shown.cover(environment.images);
      const sealed = await this.#loadSealed(name, manifest);
      const view = sealed ?? (await loadView(manifest, this.#images, environments.interpreters));
      this.failures.delete(name);
      logComposed(this.#options.log, {
        name,
        generation: environment.generation,
        view,
        tookMs: performance.now() - startedMs,
      });
      return view;
    } catch (error) {
      environment.view = undefined;
      // It was deleted or renamed just now, which the next reload tells.
      if (error instanceof ShenvError && error.code === 'ENVIRONMENT_MISSING') throw error;
      this.failures.set(name, error instanceof Error ? error.message : String(error));
      logFailure(this.#options.log, 'environment-failed', name, error);
      throw error;
    }
  }

  /** Undefined where it is not sealed, or what was sealed is of no use: then its images are read. */
  async #loadSealed(name: string, manifest: Manifest): Promise<View | undefined> {
    const { environments, store } = this.#workspace;
    this.warnings.delete(name);
    try {
      return await loadSealed(environments.sealed.pathOf(manifest), manifest, store, this.#images);
    } catch (error) {
      this.warnings.set(name, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }
}
