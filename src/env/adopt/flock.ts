import { open } from 'node:fs/promises';
import { loadSystemCalls } from '../../upper/system-calls.js';

/**
 * Does `work` while no other process has flock(2)ed the file at `path`, which is made if need be. As long as another has
 * it, `whileHeld` is called and then it is tried again; it throws to give up. Throws ENGINE_UNAVAILABLE.
 */
export async function withFlock<T>(
  path: string,
  whileHeld: () => Promise<void>,
  work: () => Promise<T>,
): Promise<T> {
  const calls = loadSystemCalls();
  const file = await open(path, 'a', 0o600);
  try {
    while (!calls.lockFile(file.fd)) await whileHeld();
    return await work();
  } finally {
    await file.close();
  }
}
