import type { UpperEvents } from '../../upper/lower.js';
import type { NativeSession } from '../native-addon.js';

type Listener = Pick<
  NativeSession,
  | 'invalidateEntry'
  | 'invalidateInode'
  | 'markChanged'
  | 'clearChanged'
  | 'dropBacking'
  | 'setOrphan'
  | 'watchForget'
  | 'probeForget'
>;

/**
 * What one upper layer tells the session that answers the kernel. The layer is there before the session shows it: what
 * has changed and what has lost its name is kept, and told when the session comes.
 */
export class UpperNews implements UpperEvents {
  readonly #changed = new Set<bigint>();
  readonly #orphans = new Set<bigint>();
  readonly #outdatedFolders = new Set<bigint>();
  #listener: Listener | undefined;

  /** From now on, and of all that came before. */
  tell(listener: Listener): void {
    this.#listener = listener;
    for (const inode of this.#changed) listener.markChanged(inode);
    for (const inode of this.#orphans) this.#watch(inode);
  }

  /** Another one takes its place: the listener knows nothing of it by now, and what it told of may be other things. */
  retire(): void {
    for (const inode of this.#changed) this.#listener?.invalidateInode(inode);
    this.#listener = undefined;
  }

  changed(inode: bigint): void {
    this.#changed.add(inode);
    this.#listener?.markChanged(inode);
  }

  restored(inode: bigint): void {
    this.#changed.delete(inode);
    this.#listener?.clearChanged(inode);
    this.#listener?.dropBacking(inode);
    this.#listener?.invalidateInode(inode);
  }

  /** What it does not have may be there all the same. */
  merged(inode: bigint): void {
    this.#listener?.dropBacking(inode);
  }

  outdated(folders: readonly bigint[], name: string): void {
    for (const folder of folders) {
      this.#listener?.invalidateEntry(folder, name);
      if (this.#outdatedFolders.size === 0) setImmediate(() => this.#tellFolders());
      this.#outdatedFolders.add(folder);
    }
  }

  /** Their listings: once for all the names that go at one time. */
  #tellFolders(): void {
    for (const folder of this.#outdatedFolders) this.#listener?.invalidateInode(folder);
    this.#outdatedFolders.clear();
  }

  orphaned(inode: bigint): void {
    this.#orphans.add(inode);
    this.#watch(inode);
  }

  /**
   * Has the session look for those without a name that the kernel does not know (any more): nobody will tell of them.
   * `settled` is waited for before: what has just been made is known by then.
   */
  async sweep(settled: () => Promise<void>): Promise<void> {
    const orphans = [...this.#orphans];
    this.#tellFolders();
    await settled();
    for (const inode of orphans) this.#listener?.probeForget(inode);
  }

  /** The kernel has forgotten it, or it has a name again. */
  forgotten(inode: bigint): void {
    this.#orphans.delete(inode);
    this.#listener?.dropBacking(inode);
  }

  #watch(inode: bigint): void {
    this.#listener?.setOrphan(inode);
    this.#listener?.watchForget(inode);
  }
}
