import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { ShenvError, unless } from '../../base/errors.js';
import type { Workspace } from '../workspace.js';
import { upperFolderOf } from './adopt.js';

/** Whether there is an environment of this name that has an upper layer and is not frozen. */
export async function isWritable(workspace: Workspace, name: string): Promise<boolean> {
  const folder = upperFolderOf(workspace, name);
  const status = await unless('ENOENT', lstat(folder));
  if (!status?.isDirectory()) return false;
  return (await unless('ENOENT', lstat(join(folder, 'frozen')))) === undefined;
}

/** Throws ENVIRONMENT_MISSING, NOT_WRITABLE. */
export async function assertWritable(workspace: Workspace, name: string): Promise<void> {
  await workspace.environments.generations(name);
  if (await isWritable(workspace, name)) return;
  throw new ShenvError('NOT_WRITABLE', `'${name}' is not writable: it has no files of its own`, {
    hint: `\`shenv-fs unseal ${name}\` makes it writable.`,
  });
}
