import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../../base/atomic-write.js';
import { unless } from '../../base/errors.js';
import { type Adopted, commitAdoption } from '../../env/adopt/commit.js';
import { loadLower } from '../../env/adopt/lower-view.js';
import { decodePlan } from '../../env/adopt/plan.js';
import { pathsToRevert, type Reverted } from '../../env/adopt/revert.js';
import type { AdoptionTarget } from '../../env/adopt/target.js';
import { assertWritable } from '../../env/adopt/writable.js';
import { publishWithFollowers } from '../../env/publish.js';
import type { Workspace } from '../../env/workspace.js';
import { ImageCache } from '../../store/image-cache.js';
import type { Engine } from '../engine.js';
import type { MountedEnvironments } from '../mounted-environments.js';
import type { ShownUpper } from './upper-layers.js';

interface Options {
  workspace: Workspace;
  environments: MountedEnvironments;
  engine: Engine;
  /** Reads the home again; resolves when the mount answers from what is there. */
  show(): Promise<void>;
}

/** What commands ask the process that holds the lock of an upper layer for. */
export class UpperCommands {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Carries out a plan of `shenv-fs adopt`. Throws ENVIRONMENT_MISSING, NOT_WRITABLE, and as `commitAdoption`. */
  async adopt(name: string, planFile: string): Promise<Adopted> {
    const { workspace, environments, engine, show } = this.#options;
    const plan = decodePlan(await readFile(planFile), planFile);
    const { serial, shown } = await this.#find(name);
    const current = await workspace.environments.read(name);
    const images = new ImageCache(workspace.store);
    const adopted = await commitAdoption(
      {
        target: this.#target(name, serial, shown),
        current,
        compose: (manifest) => loadLower(workspace, manifest, new Map(), images),
        publish: async (manifest) => {
          if (manifest.generation !== current.generation) await publishWithFollowers(workspace, [manifest]);
          environments.outdate(name);
          await show();
        },
      },
      plan,
    );
    await shown.news.sweep(() => engine.settle!());
    return adopted;
  }

  /** Takes local edits back. Throws ENVIRONMENT_MISSING, NOT_WRITABLE, USAGE as `pathsToRevert`. */
  async revert(name: string, paths: readonly string[]): Promise<Reverted> {
    const { workspace, engine } = this.#options;
    const { serial, shown } = await this.#find(name);
    const { tree } = workspace.environments.upper(name);
    const reverted = await engine.inTurn!(serial, () =>
      pathsToRevert(tree, paths).filter((path) => shown.upper.takeBack(path)),
    );
    await shown.news.sweep(() => engine.settle!());
    return { paths: reverted };
  }

  async #find(name: string): Promise<{ serial: number; shown: ShownUpper }> {
    const { workspace, environments } = this.#options;
    const view = await environments.load(name);
    const shown = view && environments.upperOf(view.environmentSerial);
    if (view && shown) return { serial: view.environmentSerial, shown };
    await assertWritable(workspace, name);
    throw new Error(`'${name}' is writable, but not shown`);
  }

  #target(name: string, serial: number, { upper }: ShownUpper): AdoptionTarget {
    const { workspace, engine } = this.#options;
    const { tree } = workspace.environments.upper(name);
    const unsynced = new Set<string>();
    const note = (path: string) => {
      for (let at = dirname(join(tree, path)); at.startsWith(tree); at = dirname(at)) unsynced.add(at);
    };
    return {
      root: tree,
      exclusively: (work) => engine.inTurn!(serial, work),
      hide: (path) => {
        note(path);
        upper.hide(path);
      },
      reveal: (path) => {
        note(path);
        upper.reveal(path);
      },
      giveBack: (path, stamp) => upper.giveBack(path, stamp),
      giveBackFolder: (path, kept) => upper.giveBackFolder(path, kept),
      // What is given back twice does no harm: only whiteouts have to last.
      sync: async () => {
        for (const folder of unsynced) await unless('ENOENT', syncFolder(folder));
        unsynced.clear();
      },
    };
  }
}
