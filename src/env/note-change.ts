import { appendFile } from 'node:fs/promises';
import { replaceFile } from '../base/atomic-write.js';

/**
 * Makes the file at `path` another one than before. Daemons on other hosts hear of nothing that is written: they look at
 * this file. What cannot be noted (the disk is full) shows with the next change.
 */
export async function noteChange(path: string): Promise<void> {
  await appendFile(path, '.', { mode: 0o644 })
    // Another user, root for one, has made it.
    .catch(() => replaceFile(path, Buffer.from(`${Date.now()}.`)))
    .catch(() => undefined);
}
