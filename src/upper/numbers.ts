import { environmentOf, foldDiskInode, isOfEnvironment, upperInode } from '../view/inode.js';

/** The name of the extended attribute that carries a number which does not follow from that on disk. */
export const inodeAttribute = 'user.shenv.inode';
const mask = 2n ** 40n - 1n;

/** Inode numbers of one environment's upper layer. */
export class Numbers {
  readonly #environment: number;
  readonly #isTaken: (inode: bigint) => boolean;

  constructor(environment: number, isTaken: (inode: bigint) => boolean) {
    this.#environment = environment;
    this.#isTaken = isTaken;
  }

  /** That of the disk, where nobody has it; else the next free one, which the object has to carry. */
  choose(diskInode: bigint): { inode: bigint; isCarried: boolean } {
    const first = foldDiskInode(diskInode);
    let number = first;
    while (this.#isTaken(upperInode(this.#environment, number))) number = (number + 1n) & mask;
    return { inode: upperInode(this.#environment, number), isCarried: number !== first };
  }

  /** Whether a number that an object carries is one of this environment. */
  isOwn(inode: bigint): boolean {
    return isOfEnvironment(inode) && environmentOf(inode) === this.#environment;
  }
}

/** The value of `inodeAttribute`. */
export function carried(inode: bigint): Buffer {
  return Buffer.from(inode.toString(16).padStart(16, '0'));
}
