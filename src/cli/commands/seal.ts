import { seal, unseal } from '../../env/sealed/seal.js';
import type { Workspace } from '../../env/workspace.js';
import { formatBytes, type Report } from '../render.js';
import { publish } from './changes.js';

export async function sealEnvironment(workspace: Workspace, name: string): Promise<Report> {
  const { manifest, bytes } = await seal(workspace, name);
  await publish(workspace);
  const { generation } = manifest;
  const text = `Sealed '${name}' at generation ${generation}: its metadata are one file of ${formatBytes(bytes)}`;
  return { data: { name, generation, bytes }, text };
}

export async function unsealEnvironment(workspace: Workspace, name: string): Promise<Report> {
  await workspace.environments.generations(name);
  const wasSealed = await unseal(workspace, name);
  await publish(workspace);
  const text = wasSealed ? `'${name}' is not sealed any more` : `'${name}' was not sealed`;
  return { data: { name, wasSealed }, text };
}
