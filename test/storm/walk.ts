import { readdir, readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { unless } from '../../src/base/errors.js';
import { findPlaces } from '../../src/base/paths.js';
import { openWorkspace } from '../../src/env/workspace.js';
import { unlessShownElsewhere } from './shown-elsewhere.js';
import { isWholeData } from './wheels.js';

/** What an environment that was changed meanwhile answers; one that was deleted may also answer with EIO. */
const changedErrors = new Set(['ENOENT', 'ESTALE', 'ENOTDIR'].map((code) => -errnoOf(code)));

function errnoOf(code: string): number {
  return (constants.errno as Record<string, number>)[code]!;
}

/**
 * Reads the files of every environment of a mount of the home of its variables, and gives their number. Throws for one that is not what its own
 * first line says, and for every error but those of what has gone meanwhile.
 */
export async function walkMount(mountpoint: string): Promise<number> {
  const { environments } = openWorkspace(findPlaces());
  let count = 0;
  for (const environment of await readdir(mountpoint)) {
    if (environment.startsWith('.')) continue;
    try {
      const walk = () => walkEnvironment(join(mountpoint, environment));
      const found = await unlessShownElsewhere(environments, environment, walk);
      if (found !== 'busy') count += found;
    } catch (error) {
      // Node has no name for ESTALE.
      const { errno = 0 } = error as NodeJS.ErrnoException;
      const isDeleted = errno === -constants.errno.EIO && !(await environments.list()).includes(environment);
      if (!changedErrors.has(errno) && !isDeleted) throw error;
    }
  }
  return count;
}

async function walkEnvironment(path: string): Promise<number> {
  const [library = ''] = await readdir(join(path, 'lib'));
  const packages = join(path, 'lib', library, 'site-packages');
  let count = 0;
  for (const name of await readdir(packages)) {
    if (name.includes('.')) continue;
    const data = await unless('ENOENT', readFile(join(packages, name, 'storm.txt'), 'utf8'));
    if (data === undefined) continue;
    if (!isWholeData(data)) throw new Error(`${join(packages, name)} is not whole: ${data.slice(0, 60)}`);
    count += 1;
  }
  return count;
}
