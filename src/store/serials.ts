import { randomInt } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { type Serial, toSerial } from '../base/brands.js';
import { claimNumber } from '../base/claims.js';
import { unless } from '../base/errors.js';
import type { StoreLayout } from './layout.js';
import type { Store } from './store.js';

/** Serials are 31 bits (docs/image-format.md): so many ranges of 2^20, of which a store begins with one. */
const ranges = 2 ** 11;
const rangeLength = 2 ** 20;

/** The number of the next image of the store that is written. */
export async function claimSerial(store: Store): Promise<Serial> {
  const starts = await Promise.all(store.layouts.slice(1).map(lastSerial));
  return toSerial(await claimNumber(store.layout.serials, () => firstSerial(starts)));
}

/**
 * A new store starts at a random multiple of 2^20, so that images of two stores that are used together hardly ever
 * share serials (and with them inode numbers), and never in a range that a store below it is in or comes to next.
 */
export function firstSerial(others: readonly number[], above = 0): number {
  const taken = new Set(others.flatMap((serial) => [rangeOf(serial), rangeOf(serial) + 1]));
  const free = Array.from({ length: ranges }, (_, range) => range).filter(
    (range) => !taken.has(range) && range * rangeLength >= above,
  );
  if (free.length === 0) return above + 1;
  return free[randomInt(0, free.length)]! * rangeLength + 1;
}

function rangeOf(serial: number): number {
  return Math.floor(serial / rangeLength);
}

/** The highest serial that a store has claimed; 0 for none. */
export async function lastSerial({ serials }: StoreLayout): Promise<number> {
  const names = (await unless('ENOENT', readdir(serials))) ?? [];
  return Math.max(0, ...names.map(Number).filter(Number.isSafeInteger));
}
