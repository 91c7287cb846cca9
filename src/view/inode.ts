import type { InodeNumber, Serial } from '../base/brands.js';

/**
 * Inode numbers are computed (docs/view-format.md), so they survive a remount, a daemon's death and
 * a change of host, and forgetting one costs nothing. They are the kernel's node ids too.
 */

/** The root of a mount; fuse.h: FUSE_ROOT_ID. */
export const rootInode = 1n as InodeNumber;

export const bits = { environment: 21, slot: 13, node: 28, upper: 40, serial: 31, packageNode: 31 } as const;
export const maxEnvironmentSerial = 2 ** bits.environment - 1;
/** Of a layer: the other half of the slots is for what an upper layer holds. */
export const maxSlot = 2 ** (bits.slot - 1) - 1;
/** Nodes from here on are a layer's generated files. */
export const firstGeneratedNode = 2 ** 27;
/** Environment serial of `.shenv`. */
export const controlSerial = 0;
/** Slot of what the venv's own skeleton brings. */
export const skeletonSlot = 0;

const environmentTag = 0b10n << 62n;
const packageTag = 0b11n << 62n;
const upperTag = 1n << BigInt(bits.upper);
const upperMask = upperTag - 1n;

/** A regular file of an image: the same in every environment, so its pages are cached once. */
export function fileInode(serial: Serial, node: number): InodeNumber {
  return ((BigInt(serial) << 32n) | BigInt(node)) as InodeNumber;
}

/** What is in no other environment, files of images in an own view too. Throws RangeError for a part out of range. */
export function environmentInode(environment: number, slot: number, node: number): InodeNumber {
  if (environment > maxEnvironmentSerial || slot > maxSlot || node >= 2 ** bits.node) {
    throw new RangeError(`inode parts out of range: ${environment} ${slot} ${node}`);
  }
  const low = (BigInt(slot) << BigInt(bits.node)) | BigInt(node);
  return (environmentTag | (BigInt(environment) << BigInt(bits.slot + bits.node)) | low) as InodeNumber;
}

/** The environment serial in a number that `environmentInode` made. */
export function environmentOf(inode: bigint): number {
  return Number((inode >> BigInt(bits.slot + bits.node)) & BigInt(maxEnvironmentSerial));
}

/** Whether a number is of one environment, be it the view's or the upper layer's. */
export function isOfEnvironment(inode: bigint): boolean {
  return inode >> 62n === 0b10n;
}

/** The slot in a number that `environmentInode` made. */
export function slotOf(inode: bigint): number {
  return Number((inode >> BigInt(bits.node)) & (2n ** BigInt(bits.slot) - 1n));
}

/** The node in a number that `environmentInode` made. */
export function nodeOf(inode: bigint): number {
  return Number(inode & (2n ** BigInt(bits.node) - 1n));
}

/** What was made in an environment's upper layer; `number` has 40 bits. Throws RangeError for a part out of range. */
export function upperInode(environment: number, number: bigint): InodeNumber {
  if (environment > maxEnvironmentSerial || number < 0n || number > upperMask) {
    throw new RangeError(`inode parts out of range: ${environment} ${number}`);
  }
  const high = environmentTag | (BigInt(environment) << BigInt(bits.slot + bits.node));
  return (high | upperTag | number) as InodeNumber;
}

/** Whether a number was made by `upperInode`. */
export function isUpper(inode: bigint): boolean {
  return isOfEnvironment(inode) && (inode & upperTag) !== 0n;
}

/** The 40 bits in a number that `upperInode` made. */
export function upperNumberOf(inode: bigint): bigint {
  return inode & upperMask;
}

/** 40 bits made of a disk's inode number: itself where that is small enough. */
export function foldDiskInode(inode: bigint): bigint {
  return (inode ^ (inode >> BigInt(bits.upper))) & upperMask;
}

/** A directory of an image below `.shenv/packages`. */
export function packageInode(serial: Serial, node: number): InodeNumber {
  return (packageTag | (BigInt(serial) << BigInt(bits.packageNode)) | BigInt(node)) as InodeNumber;
}
