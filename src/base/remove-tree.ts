import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRefusal } from './errors.js';

/** Removes a folder and all below it, folders whose modes keep their owner out too. What is gone already is no error. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await openFolders(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function openFolders(path: string): Promise<void> {
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await openFolders(join(path, entry.name));
}
