import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ShenvError, unless } from '../../src/base/errors.js';
import { findPlaces } from '../../src/base/paths.js';
import type { Environments } from '../../src/env/environments.js';
import { isSameMark, type UpperMark } from '../../src/env/upper-folder.js';
import { openWorkspace } from '../../src/env/workspace.js';
import type { Manifest } from '../../src/manifest/types.js';
import { reloadMounts } from '../../src/mount/runtime.js';
import { normalizeName } from '../../src/wheel/filename.js';
import { Violation } from '../faults/invariants.js';
import { unlessShownElsewhere } from '../storm/shown-elsewhere.js';

/**
 * Reloads the mounts of this host, then compares each environment that there was before with what `mountpoint` shows:
 * it has to be one of the generations that there were from then on, until it was looked at. Gives how many were
 * compared. Throws Violation for a stale view.
 */
export async function checkFresh(mountpoint: string): Promise<number> {
  const { environments, places } = openWorkspace(findPlaces());
  const before = await currentOf(environments);
  await reloadMounts(places.runtime, places.home);
  let count = 0;
  for (const { old, mark } of before) {
    const look = () => shownBy(join(mountpoint, old.name));
    const shown = await unlessShownElsewhere(environments, old.name, look);
    const since = await generationsSince(environments, old);
    // Deleted, being renamed (its upper layer goes first), or shown by another mount: nothing is to be compared.
    if (since === undefined || shown === 'changing' || shown === 'busy') continue;
    if (!isSameMark(mark, await environments.upper(old.name).mark())) continue;
    if (!since.some((manifest) => distributionsOf(manifest) === shown))
      throw new Violation(
        `after reload ${mountpoint}/${old.name} shows '${shown}', but from generation ${old.generation} on it is ` +
          since.map((manifest) => `'${distributionsOf(manifest)}'`).join(', '),
      );
    count += 1;
  }
  return count;
}

async function currentOf(environments: Environments): Promise<{ old: Manifest; mark: UpperMark }[]> {
  const read = async (name: string) => {
    const mark = await environments.upper(name).mark();
    const old = await readOrNothing(environments, name);
    return old && { old, mark };
  };
  const all = await Promise.all((await environments.list()).map(read));
  return all.filter((found) => found !== undefined);
}

/** Undefined where it is gone, or another one has its name. */
async function generationsSince(environments: Environments, old: Manifest): Promise<Manifest[] | undefined> {
  const current = await readOrNothing(environments, old.name);
  if (!current || current.serial !== old.serial) return undefined;
  const found: Manifest[] = [];
  for (let generation = old.generation; generation <= current.generation; generation += 1) {
    const manifest = await readOrNothing(environments, old.name, generation);
    // Deleted while it is read.
    if (!manifest) return undefined;
    found.push(manifest);
  }
  return found;
}

async function readOrNothing(
  environments: Environments,
  name: string,
  generation?: number,
): Promise<Manifest | undefined> {
  try {
    return await environments.read(name, generation);
  } catch (error) {
    if (error instanceof ShenvError && error.code === 'ENVIRONMENT_MISSING') return undefined;
    throw error;
  }
}

function distributionsOf({ layers }: Manifest): string {
  return layers
    .map(({ image: { name, version } }) => `${normalizeName(name)}-${version}`)
    .sort()
    .join(' ');
}

/** `changing` where the kernel found that what it was walking through has been replaced. */
async function shownBy(environment: string): Promise<string> {
  try {
    const [library] = (await unless('ENOENT', readdir(join(environment, 'lib')))) ?? [];
    if (library === undefined) return 'nothing';
    const names = await readdir(join(environment, 'lib', library, 'site-packages'));
    const found = names.filter((name) => name.endsWith('.dist-info')).map((name) => name.slice(0, -10));
    return found.sort().join(' ');
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    // 116 is ESTALE, for which Node has no name.
    if (code === 'ENOENT' || errno === -116) return 'changing';
    // Of one that was deleted, without a grace period, on a node that cannot keep its images: no fault if it is gone.
    if (code === 'EIO') return 'EIO';
    throw error;
  }
}
