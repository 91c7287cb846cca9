import type { BigIntStats } from 'node:fs';

/** What a file on disk is known again by: another stamp, and it is not what it was. Equal ones may be of equal times. */
export function stampOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

/** The time in a stamp that no program sets: when the file was last written to, renamed or had its attributes changed. */
export function changedNsOf(stamp: string): bigint {
  return BigInt(stamp.split(' ')[3]!);
}
