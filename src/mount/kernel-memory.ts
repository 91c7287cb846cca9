import { diffViews } from '../view/diff.js';
import { rootInode } from '../view/inode.js';
import { imageFileInode } from '../view/locate.js';
import type { View } from '../view/tree.js';
import { isRenewed, type Publication } from './engine.js';
import type { NativeSession } from './native-addon.js';

type Session = Pick<NativeSession, 'invalidateEntry' | 'invalidateInode' | 'invalidateAllEntries'>;
type Replacement = Publication['replaced'][number];

/**
 * What the kernel remembers of a mount: names, attributes, listings and pages. Each method tells it to forget some of it;
 * it has forgotten when `flushInvalidations` of the session resolves.
 */
export class KernelMemory {
  readonly #session: Session;
  readonly #isSole: boolean;

  /** `isSole`: the mount's root is that of one environment, else each environment is a folder in it. */
  constructor(session: Session, isSole: boolean) {
    this.#session = session;
    this.#isSole = isSole;
  }

  /** Names in the mount's root that came, went or changed their meaning; the maps are from names to serials. */
  forgetRoots(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): void {
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      if (before.get(name) !== after.get(name)) this.#session.invalidateEntry(rootInode, name);
    }
    this.#session.invalidateInode(rootInode);
  }

  /**
   * A view that is gone, though its environment may still be in the root: it is there, but cannot be composed. The mount's
   * own root has no name, so all that is in it goes.
   */
  forgetView(name: string, { root }: View): void {
    if (!this.#isSole) {
      this.#session.invalidateEntry(rootInode, name);
      return;
    }
    for (const entry of root.entries.keys()) this.#session.invalidateEntry(root.inode, entry);
    this.#session.invalidateInode(root.inode);
  }

  /** What is another in the generation `after` of the same environment. */
  forgetChanges(name: string, before: View, after: View): void {
    // Each file has another number now, below grafts too.
    if (before.isOwn !== after.isOwn) {
      this.forgetAll([name]);
      return;
    }
    const { entries, inodes } = diffViews(before, after);
    for (const { parent, name } of entries) this.#session.invalidateEntry(parent, name);
    for (const inode of inodes) this.#session.invalidateInode(inode);
  }

  /** Pages of files that were replaced and, where their numbers are others now, their names. `renewed`: paths of images. */
  forgetContents({ name, before, after }: Replacement, renewed: ReadonlySet<string>): void {
    if (!after) return;
    const serials = new Set(before.layers.flatMap(({ image }) => [image.serial, image.base?.serial]));
    let isRenumbered = false;
    for (const [layer, { image }] of after.layers.entries()) {
      if (!isRenewed(image, renewed)) continue;
      isRenumbered ||= !serials.has(image.serial) || !serials.has(image.base?.serial);
      for (let node = 0; node < image.nodeCount; node += 1) {
        if (!image.isDirectory(node)) this.#session.invalidateInode(imageFileInode(after, layer, node));
      }
    }
    if (!isRenumbered) return;
    const names = this.#isSole ? after.root.entries.keys() : [name];
    const parent = this.#isSole ? after.root.inode : rootInode;
    for (const entry of names) this.#session.invalidateEntry(parent, entry);
  }

  /**
   * All names, where nobody can tell which were other ones: the kernel looks all of them up again. `names` are those of
   * environments in the root; none: nothing is forgotten.
   */
  forgetAll(names: readonly string[]): void {
    if (names.length === 0) return;
    for (const name of names) this.#session.invalidateEntry(rootInode, name);
    this.#session.invalidateInode(rootInode);
    this.#session.invalidateAllEntries();
  }
}
