import { permitted } from './access.js';
import { FileError } from './file-error.js';
import type { Thing } from './nodes.js';
import type { UpperState } from './options.js';
import { existing } from './removal.js';

/**
 * What every operation on an upper layer passes: a change throws EROFS while the environment is frozen, modes that refuse
 * this process are widened while it runs (`permitted`), and an inode number that is not known gives ESTALE.
 */
export class Guard {
  readonly #state: UpperState;

  constructor(state: UpperState) {
    this.#state = state;
  }

  /** Throws EROFS. */
  checkThawed(): void {
    if (this.#state.disk.isFrozen) throw new FileError('EROFS');
  }

  read<T>(inode: bigint, operation: (thing: Thing) => T): T {
    return this.readThing(this.#state.tree.find(inode), operation);
  }

  readThing<T>(thing: Thing, operation: (thing: Thing) => T): T {
    return permitted(
      this.#state,
      () => [thing],
      () => operation(thing),
    );
  }

  change<T>(inode: bigint, operation: (thing: Thing) => T): T {
    const { tree } = this.#state;
    this.checkThawed();
    return permitted(
      this.#state,
      () => [tree.find(inode)],
      () => operation(tree.find(inode)),
    );
  }

  /** Of folders in which something comes to be, and of what gets a name there. */
  changeIn<T>(inodes: readonly bigint[], operation: () => T): T {
    const { tree } = this.#state;
    this.checkThawed();
    return permitted(this.#state, () => inodes.map((inode) => tree.find(inode)), operation);
  }

  /** Of places: folders, and what has the names there, if anything. */
  changeAt(places: readonly (readonly [parent: bigint, name: string])[], operation: () => void): void {
    this.checkThawed();
    permitted(this.#state, () => places.flatMap(([parent, name]) => this.#thingsAt(parent, name)), operation);
  }

  #thingsAt(parentInode: bigint, name: string): Thing[] {
    const { parent, thing } = existing(this.#state, parentInode, name);
    return thing === undefined ? [parent] : [parent, thing];
  }
}
