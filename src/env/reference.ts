import type { Manifest } from '../manifest/types.js';
import { parseReference } from './name.js';
import type { Workspace } from './workspace.js';

/** The manifest that `NAME` or `NAME@GENERATION` means. Throws ENVIRONMENT_MISSING. */
export async function readReference({ environments }: Workspace, text: string): Promise<Manifest> {
  const { name, generation } = parseReference(text);
  return environments.read(name, generation);
}
