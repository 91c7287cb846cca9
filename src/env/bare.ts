import { readdir } from 'node:fs/promises';
import { errno } from '../base/errno.js';
import { ShenvError, unless } from '../base/errors.js';
import { type Manifest, manifestVersion, noInterpreter } from '../manifest/types.js';
import { errnoOf as errnoOfFileError, FileError } from '../upper/file-error.js';
import { isReserved } from '../upper/names.js';
import { firstSlot, nowMs } from './change.js';
import { listChildren } from './inherit.js';
import { stageUpper } from './upper-folder.js';
import type { Workspace } from './workspace.js';

/**
 * What `mkdir` in the root of a mount makes: a writable environment of which Python knows nothing yet. As a folder it is
 * durable a little later, and its number with it. Throws ENVIRONMENT_NAME, ENVIRONMENT_EXISTS.
 */
export async function createBare({ environments }: Workspace, name: string): Promise<Manifest> {
  await environments.assertFree(name);
  const atMs = Date.now();
  const manifest: Manifest = {
    version: manifestVersion,
    name,
    serial: await environments.claimSerial(false),
    generation: 1,
    change: { atMs, what: 'mkdir' },
    createdMs: nowMs(),
    interpreter: noInterpreter,
    layers: [],
    parents: [],
    options: { systemSitePackages: false, bytecode: true, held: [] },
    nextSlot: firstSlot,
    requested: [],
  };
  await environments.createSoon(async (staged) => void (await stageUpper(staged)), manifest);
  return manifest;
}

/**
 * What `rmdir` in the root of a mount does: removes a writable environment that shows nothing, which the caller knows of
 * its lower tree. Throws FileError: EROFS where it is not writable, ENOTEMPTY where its upper layer has a name, EBUSY
 * where others inherit it; and ENVIRONMENT_MISSING.
 */
export async function deleteEmpty(workspace: Workspace, name: string): Promise<void> {
  const { environments } = workspace;
  await environments.generations(name);
  const upper = environments.upper(name);
  if ((await upper.state()) !== 'writable') throw new FileError('EROFS', name);
  const names = (await unless('ENOENT', readdir(upper.tree))) ?? [];
  if (names.some((item) => !isReserved(item))) throw new FileError('ENOTEMPTY', name);
  const children = await listChildren(workspace);
  if (children.some(({ parents }) => parents.some((parent) => parent.name === name)))
    throw new FileError('EBUSY', name);
  await environments.delete(name);
}

/** The positive errno that mkdir, rename and rmdir in the root of a mount fail with; undefined for what is a bug. */
export function errnoOf(error: unknown): number | undefined {
  if (!(error instanceof ShenvError)) return errnoOfFileError(error);
  switch (error.code) {
    case 'ENVIRONMENT_NAME':
      return errno.EINVAL;
    case 'ENVIRONMENT_EXISTS':
      return errno.EEXIST;
    case 'ENVIRONMENT_MISSING':
      return errno.ENOENT;
    case 'ENVIRONMENT_CHANGED':
    case 'ENVIRONMENT_BUSY':
      return errno.EBUSY;
    default:
      return undefined;
  }
}
