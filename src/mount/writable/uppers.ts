import type { UpperLayer } from '../../upper/upper-layer.js';
import type { NativeSession } from '../native-addon.js';

/**
 * What an upper layer tells whoever answers the kernel. It is there before that one is: what has changed is kept, and
 * told when one comes.
 */
export class UpperNews implements UpperEvents {
  readonly #changed = new Set<bigint>();
  readonly #orphans = new Set<bigint>();
  #session: NativeSession | undefined;

  changed(inode: bigint): void {
    this.#changed.add(inode);
    this.#session?.markChanged(inode);
  }
}
