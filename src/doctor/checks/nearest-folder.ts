import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { unless } from '../../base/errors.js';

/** `path`, or of the folders above it the first that exists: there it would be made. */
export async function nearestFolder(path: string): Promise<string> {
  let folder = path;
  while ((await unless('ENOENT', stat(folder))) === undefined) folder = dirname(folder);
  return folder;
}
