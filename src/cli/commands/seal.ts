import { seal, unseal } from '../../env/sealed/seal.js';
import type { Workspace } from '../../env/workspace.js';
import { environmentState, freezeUpper, makeWritable } from '../../env/writable.js';
import { noInterpreter } from '../../manifest/types.js';
import { formatBytes, type Report } from '../render.js';
import { publish } from './changes.js';
import { adoptAll } from './local-edits.js';

/** What is in the upper layer of a writable environment stays there, frozen. */
export async function sealEnvironment(workspace: Workspace, name: string): Promise<Report> {
  await adoptAll(workspace, name);
  const wasWritable = (await freezeUpper(workspace.environments, name)) === 'writable';
  if (wasWritable) await publish(workspace);
  const { generation, bytes } = await writeMetadata(workspace, name).catch(async (error: unknown) => {
    if (wasWritable) await makeWritable(workspace.environments, name);
    await publish(workspace);
    throw error;
  });
  await publish(workspace);
  const facts = [
    ...(wasWritable ? ['it cannot be written to any more'] : []),
    bytes === null
      ? 'without an interpreter it has no metadata'
      : `its metadata are one file of ${formatBytes(bytes)}`,
  ];
  return {
    data: { name, generation, bytes, wasWritable, state: 'sealed' },
    text: `Sealed '${name}' at generation ${generation}: ${facts.join(', and ')}`,
  };
}

/** `bytes` is null for a bare environment. */
async function writeMetadata(
  workspace: Workspace,
  name: string,
): Promise<{ generation: number; bytes: number | null }> {
  const { generation, interpreter } = await workspace.environments.read(name);
  if (interpreter === noInterpreter) return { generation, bytes: null };
  const { manifest, bytes } = await seal(workspace, name);
  return { generation: manifest.generation, bytes };
}

export async function unsealEnvironment(workspace: Workspace, name: string): Promise<Report> {
  const { environments } = workspace;
  const manifest = await environments.read(name);
  const wasSealed = await unseal(workspace, name);
  const wasWritable = !(await makeWritable(environments, name));
  await publish(workspace);
  const state = await environmentState(environments, manifest);
  const metadata = wasSealed ? ', and its metadata are no file of their own any more' : '';
  return {
    data: { name, wasSealed, wasWritable, state },
    text: `'${name}' ${wasWritable ? 'was writable already' : 'can be written to now'}${metadata}`,
  };
}
