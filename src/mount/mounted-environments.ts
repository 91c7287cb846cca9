import type { Workspace } from '../env/workspace.js';
import { ImageCache } from '../store/image-cache.js';
import { ShownSerials } from '../store/shown-serials.js';
import { controlName } from '../view/control-view.js';
import { controlSerial } from '../view/inode.js';
import type { View } from '../view/tree.js';
import { BroughtImages } from './brought-images.js';
import { ControlFolder } from './control-folder.js';
import { CurrentGenerations } from './current-generations.js';
import { isRenewed, type Publication, type ViewSource } from './engine.js';
import { MountedComposer } from './mounted-composer.js';
import { type MountedEnvironment, type MountedOptions, shownGeneration } from './mounted-environment.js';
import { ReplacedImages } from './replaced-images.js';
import type { Inherited, ShownGeneration } from './shown-journal.js';
import { type ShownUpper, UpperLayers } from './writable/upper-layers.js';

/** So many images stay in memory that nothing shows. */
const mostUnshown = 128;

/** What a reload finds for an engine to publish. */
interface Changed {
  replaced: Publication['replaced'][number][];
  forgotten: Publication['forgotten'][number][];
}

/** The environments of one workspace as a mount shows them, each composed on first use. */
export class MountedEnvironments implements ViewSource {
  readonly #options: MountedOptions;
  readonly #serials = new ShownSerials();
  readonly #images: ImageCache;
  readonly #brought: BroughtImages;
  readonly #current: CurrentGenerations;
  readonly #composer: MountedComposer;
  #environments = new Map<string, MountedEnvironment>();
  readonly #control: ControlFolder;
  /** What the kernel may know of a process before this one, beside `#environments`. */
  #earlier: readonly ShownGeneration[] = [];
  /** Environments that cannot be shown, with the reason. */
  readonly failures = new Map<string, string>();
  /** Environments that are shown from their images although they are sealed, with the reason. */
  readonly warnings = new Map<string, string>();
  readonly #replaced: ReplacedImages;
  readonly uppers: UpperLayers;

  constructor(workspace: Workspace, options: MountedOptions) {
    this.#options = options;
    this.#images = new ImageCache(workspace.store, this.#serials, mostUnshown);
    this.#brought = new BroughtImages(workspace);
    this.#replaced = new ReplacedImages(workspace.store);
    this.uppers = new UpperLayers(options.render);
    const { status, log, only, shown } = options;
    const { failures, warnings, uppers } = this;
    this.#current = new CurrentGenerations(workspace, { only, failures, log });
    const images = this.#images;
    this.#composer = new MountedComposer({ workspace, images, uppers, failures, warnings, shown, log });
    this.#control = new ControlFolder(workspace.store, {
      status,
      serials: this.#serials,
      failures,
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
    environment.view ??= this.#composer.compose(name, environment);
    return environment.view;
  }

  upperOf(environmentSerial: number): ShownUpper | undefined {
    return this.uppers.of(environmentSerial);
  }

  /** What lies under the upper layer of an environment is shown otherwise: the next reload composes it anew. */
  outdate(name: string): void {
    this.#current.outdate(name);
  }

  /** Names of environments with an upper layer that were shown. */
  writableNames(): string[] {
    return [...this.uppers.all()].flatMap(([serial]) => this.nameOf(serial) ?? []).sort();
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
    const names = await this.#current.names();
    const after = await this.#readHome(names, renewed);
    this.#tellJournal(before, after);
    this.#environments = after;
    this.#followUppers();
    this.#forgetFailures(names);
    const changed: Changed = { replaced: [], forgotten: [] };
    for (const [name, known] of before) await this.#replace(name, known, renewed, changed);
    await this.#replaceEarlier(changed);
    changed.replaced.push(...(await this.#control.reload()));
    const images = [...after.values()].flatMap((environment) => environment.images);
    await this.#options.shown.settle(new Set(images), Date.now());
    return { rootsChanged: areOtherRoots(before, after), ...changed, renewed };
  }

  async #readHome(
    names: readonly string[],
    renewed: ReadonlySet<string>,
  ): Promise<Map<string, MountedEnvironment>> {
    const after = new Map<string, MountedEnvironment>();
    for (const name of names) {
      const known = this.#environments.get(name);
      const current = await this.#current.read(name, known);
      if (current === undefined) continue;
      const isRenewed = await this.#showsAny(name, current, renewed);
      const next = isRenewed ? { ...current, view: undefined } : current;
      after.set(name, (await this.#hasToStay(name, known, next)) ? known! : next);
    }
    return after;
  }

  /** Whether an environment that is shown alone is shown as before, because `next` cannot be composed. */
  async #hasToStay(
    name: string,
    known: MountedEnvironment | undefined,
    next: MountedEnvironment,
  ): Promise<boolean> {
    const isShown = known?.view !== undefined || known?.wasShown === true;
    if (this.#options.only === undefined || !isShown || known === next) return false;
    next.view ??= this.#composer.compose(name, next);
    return next.view.then(
      () => false,
      () => true,
    );
  }

  /** Composes anew what was composed before and is another now. */
  async #replace(
    name: string,
    known: MountedEnvironment,
    renewed: ReadonlySet<string>,
    { replaced, forgotten }: Changed,
  ): Promise<void> {
    const current = this.#environments.get(name);
    if (known === current || (known.view === undefined && !known.wasShown)) return;
    const old = await this.#viewOf(name, known);
    const isSure = old !== undefined && (known.view !== undefined || renewed.size === 0);
    if (known.wasShown && !isSure) forgotten.push({ name, environmentSerial: known.environmentSerial });
    if (!current) this.failures.delete(name);
    if (old) replaced.push({ name, before: old, after: await this.load(name).catch(() => undefined) });
  }

  async #replaceEarlier({ replaced, forgotten }: Changed): Promise<void> {
    for (const item of this.#earlier) {
      const { name } = item;
      const before = await this.#viewOf(name, { ...item, view: undefined, images: [] });
      const after = before && (await this.load(name).catch(() => undefined));
      if (before) replaced.push({ name, before, after });
      forgotten.push(item);
    }
    this.#earlier = [];
  }

  /** One that was renamed keeps its upper layer; one that is gone gives it back. */
  #followUppers(): void {
    const lying = [...this.#environments.values()].filter(({ upper }) => upper?.state !== 'none');
    this.uppers.keepOnly(new Set(lying.map(({ environmentSerial }) => environmentSerial)));
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

  /** As it was shown; undefined when that cannot be composed any more. */
  async #viewOf(name: string, known: MountedEnvironment): Promise<View | undefined> {
    return (known.view ?? this.#composer.compose(name, known)).catch(() => undefined);
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
}

function areOtherRoots(
  before: ReadonlyMap<string, MountedEnvironment>,
  after: ReadonlyMap<string, MountedEnvironment>,
): boolean {
  if (before.size === 0 || before.size !== after.size) return true;
  return [...after].some(
    ([name, { environmentSerial }]) => before.get(name)?.environmentSerial !== environmentSerial,
  );
}
