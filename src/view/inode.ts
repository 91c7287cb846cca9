import type { InodeNumber, Serial } from '../base/brands.js';

/**
 * Inode numbers are computed (docs/view-format.md), so they survive a remount, a daemon's death and
 * a change of host, and forgetting one costs nothing. They are the kernel's node ids too.
 */

/** The root of a mount; fuse.h: FUSE_ROOT_ID. */
export const rootInode = 1n as InodeNumber;

export const bits = { environment: 21, slot: 13, node: 28, serial: 31, packageNode: 31 } as const;
export const maxEnvironmentSerial = 2 ** bits.environment - 1;
export const maxSlot = 2 ** bits.slot - 1;
/** Nodes from here on are a layer's generated files. */
export const firstGeneratedNode = 2 ** 27;
/** Environment serial of `.shenv`. */
export const controlSerial = 0;
/** Slot of what the venv's own skeleton brings. */
export const skeletonSlot = 0;

const environmentTag = 0b10n << 62n;
const packageTag = 0b11n << 62n;

/** A regular file of an image: the same in every environment, so its pages are cached once. */
export function fileInode(serial: Serial, node: number): InodeNumber {
  return ((BigInt(serial) << 32n) | BigInt(node)) as InodeNumber;
}

/** A directory, link or generated file of one environment. Throws RangeError for a part out of range. */
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

/** Slot and node in a number that `environmentInode` made. */
export function locationOf(inode: bigint): { slot: number; node: number } {
  const node = Number(inode & ((1n << BigInt(bits.node)) - 1n));
  return { slot: Number((inode >> BigInt(bits.node)) & ((1n << BigInt(bits.slot)) - 1n)), node };
}

/** A directory of an image below `.shenv/packages`. */
export function packageInode(serial: Serial, node: number): InodeNumber {
  return (packageTag | (BigInt(serial) << BigInt(bits.packageNode)) | BigInt(node)) as InodeNumber;
}
