import type { Stats } from 'node:fs';
import type { FileStamp } from './read.js';

export function stampOf({ size, mtimeMs }: Pick<Stats, 'size' | 'mtimeMs'>): FileStamp {
  return { sizeBytes: size, mtimeSeconds: Math.floor(mtimeMs / 1000) };
}

/** Whether a file is in that state. */
export function isAt(
  status: Pick<Stats, 'size' | 'mtimeMs'>,
  { sizeBytes, mtimeSeconds }: FileStamp,
): boolean {
  const found = stampOf(status);
  return found.sizeBytes === sizeBytes && found.mtimeSeconds === mtimeSeconds;
}
