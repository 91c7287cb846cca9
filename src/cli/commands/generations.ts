import { ShenvError } from '../../base/errors.js';
import type { Differences } from '../../env/change.js';
import { clone, compare, history, rename, rollback } from '../../env/generations.js';
import { parseReference } from '../../env/name.js';
import type { Workspace } from '../../env/workspace.js';
import { plural, type Report } from '../render.js';
import { formatTable } from '../table.js';
import { describeDifferences, publish } from './changes.js';

export async function cloneEnvironment(workspace: Workspace, source: string, name: string): Promise<Report> {
  const { layers } = await clone(workspace, source, name);
  await publish(workspace);
  const text = `Cloned '${source}' as '${name}': ${plural(layers.length, 'distribution')}`;
  return { data: { source, name, distributions: layers.length }, text };
}

export async function renameEnvironment(
  workspace: Workspace,
  name: string,
  newName: string,
): Promise<Report> {
  const { generation } = await rename(workspace, name, newName);
  await publish(workspace);
  return { data: { name: newName, before: name, generation }, text: `Renamed '${name}' to '${newName}'` };
}

export async function showHistory(workspace: Workspace, name: string | undefined): Promise<Report> {
  if (name === undefined) return showChanges(workspace);
  const data = await history(workspace, name);
  const rows = data.map(({ generation, atMs, what, distributions, differences }) => [
    String(generation),
    new Date(atMs).toISOString().slice(0, 16).replace('T', ' '),
    String(distributions),
    count(differences),
    what,
  ]);
  return { data, text: formatTable(['GENERATION', 'TIME (UTC)', 'DISTRIBUTIONS', 'CHANGES', 'BY'], rows) };
}

async function showChanges(workspace: Workspace): Promise<Report> {
  const data = await (await import('../../env/fleet.js')).listChanges(workspace);
  if (data.length === 0) return { data, text: 'No change of several environments yet.' };
  const rows = data.map(({ id, atMs, what, environments }) => [
    id,
    new Date(atMs).toISOString().slice(0, 16).replace('T', ' '),
    what,
    environments.map(({ name, isCurrent }) => (isCurrent ? name : `(${name})`)).join(' '),
  ]);
  return { data, text: formatTable(['CHANGE', 'TIME (UTC)', 'BY', 'ENVIRONMENTS'], rows) };
}

function count({ added, removed, replaced }: Differences): string {
  return `+${added.length} -${removed.length} ~${replaced.length}`;
}

export async function diffEnvironments(
  workspace: Workspace,
  first: string,
  second: string | undefined,
  options: { exitCode?: boolean } = {},
): Promise<Report> {
  const { isWritable } = await import('../../env/adopt/writable.js');
  if (second === undefined && !first.includes('@') && (await isWritable(workspace, first)))
    return (await import('./local-edits.js')).showEdits(workspace, first, options);
  const [from, to] = second === undefined ? await pairOf(workspace, first) : [first, second];
  const data = await compare(workspace, from, to);
  const { interpreters, requested } = data;
  const lines = [
    ...(interpreters ? ['   the interpreters differ'] : []),
    ...requested.added.map((requirement) => `   asked for: ${requirement}`),
    ...requested.removed.map((requirement) => `   not asked for any more: ${requirement}`),
    ...describeDifferences(data),
  ];
  const head = `${from} -> ${to}`;
  return {
    data: { from, to, ...data },
    text: `${head}\n${lines.length > 0 ? lines.join('\n') : ' no difference'}`,
  };
}

/** `web`: the generation before and the current one. `web@2`: it and the current one. Throws ENVIRONMENT_MISSING. */
async function pairOf(workspace: Workspace, reference: string): Promise<[string, string]> {
  const { name, generation } = parseReference(reference);
  if (generation !== undefined) return [reference, name];
  const before = (await workspace.environments.generations(name)).at(-2);
  if (before !== undefined) return [`${name}@${before}`, name];
  throw new ShenvError('ENVIRONMENT_MISSING', `'${name}' has one generation only`, {
    hint: `Name another environment: shenv-fs diff ${name} OTHER.`,
  });
}

export async function rollbackEnvironment(
  workspace: Workspace,
  name: string | undefined,
  options: { to?: string; change?: string },
): Promise<Report> {
  if ((name === undefined) === (options.change === undefined)) {
    throw new ShenvError('USAGE', 'Either an environment or --change is to be given', {
      hint: '`shenv-fs history` shows changes of several environments, `shenv-fs history NAME` those of one.',
    });
  }
  return name === undefined
    ? rollbackTogether(workspace, options.change!)
    : rollbackOne(workspace, name, options);
}

async function rollbackTogether(workspace: Workspace, id: string): Promise<Report> {
  const manifests = await (await import('../../env/fleet.js')).rollbackChange(workspace, id);
  await publish(workspace);
  const data = manifests.map(({ name, generation }) => ({ name, generation }));
  const names = data.map(({ name }) => name).join(', ');
  return { data, text: `Took back change ${id} in ${plural(data.length, 'environment')}: ${names}` };
}

async function rollbackOne(workspace: Workspace, name: string, options: { to?: string }): Promise<Report> {
  if (options.to !== undefined && !/^[1-9]\d*$/.test(options.to)) {
    throw new ShenvError('USAGE', `--to takes the number of a generation, not '${options.to}'`, {
      hint: `\`shenv-fs history ${name}\` shows them.`,
    });
  }
  const wanted = options.to === undefined ? undefined : Number(options.to);
  const { manifest, to, differences } = await rollback(workspace, name, wanted);
  await publish(workspace);
  const { generation } = manifest;
  const lines = [
    ...describeDifferences(differences),
    `'${name}' is at generation ${generation}, which shows what generation ${to} showed`,
  ];
  return { data: { name, generation, to, ...differences }, text: lines.join('\n') };
}
