import { ShenvError } from '../base/errors.js';
import { applyTimes, readTimes } from '../env/adopt/times.js';
import { loadView } from '../env/load-view.js';
import { parseReference } from '../env/name.js';
import { loadSealed } from '../env/sealed/load.js';
import type { UpperState } from '../env/upper-folder.js';
import type { Workspace } from '../env/workspace.js';
import type { Manifest } from '../manifest/types.js';
import type { ImageCache } from '../store/image-cache.js';
import { imagesOf } from '../store/roots.js';
import type { View } from '../view/tree.js';
import { logComposed, logFailure } from './log-events.js';
import type { MountedEnvironment, MountedOptions } from './mounted-environment.js';
import type { UpperLayers } from './writable/upper-layers.js';

interface Options extends Pick<MountedOptions, 'shown' | 'log'> {
  workspace: Workspace;
  images: ImageCache;
  uppers: UpperLayers;
  /** By name, with the reason; kept up to date by what is composed. */
  failures: Map<string, string>;
  /** Sealed environments that are composed from their images, with the reason. */
  warnings: Map<string, string>;
}

/** Composes what a mount shows: covers the images, and opens the upper layer that lies over it. */
export class MountedComposer {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * The view of a generation; its images are in `environment` from then on. Rejects with what keeps it from being
   * composed, which `failures` says too, and leaves `environment` without a view.
   */
  async compose(name: string, environment: MountedEnvironment): Promise<View> {
    const { failures, log } = this.#options;
    const startedMs = performance.now();
    try {
      const view = await this.#composeWhole(name, environment);
      failures.delete(name);
      const { generation } = environment;
      logComposed(log, { name, generation, view, tookMs: performance.now() - startedMs });
      return view;
    } catch (error) {
      environment.view = undefined;
      // It was deleted or renamed just now, which the next reload tells.
      if (error instanceof ShenvError && error.code === 'ENVIRONMENT_MISSING') throw error;
      failures.set(name, error instanceof Error ? error.message : String(error));
      logFailure(log, 'environment-failed', name, error);
      throw error;
    }
  }

  async #composeWhole(name: string, environment: MountedEnvironment): Promise<View> {
    const { workspace, images, uppers, shown } = this.#options;
    const { environments } = workspace;
    const { name: plainName } = parseReference(name);
    const manifest = await environments.read(plainName, environment.generation);
    environment.images = [...imagesOf(manifest.layers)];
    await shown.cover(environment.images);
    const upper = environments.upper(plainName);
    const mark = await upper.mark();
    environment.upper = mark;
    const { state } = mark;
    const sealed = await this.#loadSealed(name, manifest, state);
    const composed = sealed ?? (await loadView(manifest, images, environments.interpreters, state));
    if (state === 'none') return composed;
    const view = applyTimes(composed, await readTimes(upper.path));
    await uppers.open(upper, view, { mark, wasShown: environment.wasShown === true });
    return view;
  }

  /** Undefined where it is not sealed, or what was sealed is of no use: then its images are read. */
  async #loadSealed(name: string, manifest: Manifest, state: UpperState): Promise<View | undefined> {
    const { workspace, images, warnings } = this.#options;
    const { environments, store } = workspace;
    warnings.delete(name);
    try {
      return await loadSealed(environments.sealed.pathOf(manifest), manifest, store, images, state);
    } catch (error) {
      warnings.set(name, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }
}
