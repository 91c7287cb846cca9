import { ShenvError } from '../../base/errors.js';
import type { Workspace } from '../workspace.js';

/** Whether there is an environment of this name that has an upper layer and is not frozen. */
export async function isWritable({ environments }: Workspace, name: string): Promise<boolean> {
  return (await environments.upper(name).state()) === 'writable';
}

/** Throws ENVIRONMENT_MISSING, NOT_WRITABLE. */
export async function assertWritable(workspace: Workspace, name: string): Promise<void> {
  await workspace.environments.generations(name);
  if (await isWritable(workspace, name)) return;
  throw new ShenvError('NOT_WRITABLE', `'${name}' is not writable`, {
    hint: `\`shenv-fs unseal ${name}\` makes it so.`,
  });
}
