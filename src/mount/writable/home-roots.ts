import { createBare, deleteEmpty } from '../../env/bare.js';
import { rename } from '../../env/generations.js';
import type { Workspace } from '../../env/workspace.js';
import { FileError } from '../../upper/file-error.js';
import type { ViewSource } from '../engine.js';
import type { RootOperations } from './root-requests.js';

/** Makes, renames and removes environments of a home, for the mount that shows all of them. */
export class HomeRoots implements RootOperations {
  readonly #workspace: Workspace;
  readonly #source: ViewSource;
  readonly #show: () => Promise<void>;

  /** `show` resolves when the mount answers from what is in the home now. */
  constructor(workspace: Workspace, source: ViewSource, show: () => Promise<void>) {
    this.#workspace = workspace;
    this.#source = source;
    this.#show = show;
  }

  async create(name: string): Promise<void> {
    await createBare(this.#workspace, name);
    await this.#show();
  }

  /** One that is not writable is renamed by a command only: it fails with EROFS. */
  async rename(name: string, newName: string): Promise<void> {
    const { environments } = this.#workspace;
    await environments.generations(name);
    if ((await environments.upper(name).state()) !== 'writable') throw new FileError('EROFS', name);
    await rename(this.#workspace, name, newName);
    await this.#show();
  }

  async remove(name: string): Promise<void> {
    const view = await this.#source.load(name);
    const upper = view && this.#source.upperOf(view.environmentSerial)?.upper;
    // Where the lower tree has names, all of them have to be hidden.
    if (upper) for (const _ of upper.list(view.root.inode)) throw new FileError('ENOTEMPTY', name);
    await deleteEmpty(this.#workspace, name);
    await this.#show();
  }
}
