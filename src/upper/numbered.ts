import { type BigIntStats, unlinkSync } from 'node:fs';
import { typeBits, types } from './nodes.js';
import type { UpperState } from './options.js';

/** So often something is made again at most; then its number is another one after a restart. */
const mostMade = 64;

/** Links and special files have no attributes. */
export function canCarry(mode: number): boolean {
  const type = mode & typeBits;
  return type === types.folder || type === types.file;
}

/**
 * What was made at `path` and cannot carry a number is made again, as long as something has the one that follows from the
 * disk: after a restart it has to have the same.
 */
export function untilNumbered(
  state: UpperState,
  path: string,
  first: BigIntStats,
  makeAt: (path: string) => BigIntStats,
): BigIntStats {
  const { disk, numbers } = state;
  const made: string[] = [];
  try {
    let stat = first;
    while (numbers.choose(stat.ino).isCarried && made.length < mostMade) {
      const temporary = disk.temporaryPath();
      stat = makeAt(temporary);
      made.push(temporary);
    }
    const last = made.pop();
    if (last !== undefined) disk.calls.renameAt(last, path, 0);
    return stat;
  } finally {
    for (const temporary of made) unlinkSync(temporary);
  }
}
