import type { Manifest } from '../manifest/types.js';
import { readInterpreter } from '../python/interpreter-record.js';
import { withFollowers } from './inherit.js';
import { commitTogether } from './joint-change.js';
import type { Workspace } from './workspace.js';

/** Publishes next generations and those of all environments that follow them, each composed before, as one change. */
export async function publishWithFollowers(
  workspace: Workspace,
  changed: readonly Manifest[],
): Promise<Manifest[]> {
  const { environments } = workspace;
  const all = await withFollowers(workspace, changed);
  for (const manifest of all) {
    if (changed.includes(manifest)) continue;
    const { tryGeneration } = await import('./try-generation.js');
    const interpreter = await readInterpreter(environments.interpreters, manifest.interpreter);
    await tryGeneration(workspace, interpreter, manifest);
  }
  await commitTogether(environments, all);
  return all;
}
