import { ShenvError } from '../../base/errors.js';
import { remove } from '../../env/generations.js';
import { isExecutable, repairHint } from '../../env/interpreter-presence.js';
import { interpreterOf } from '../../env/load-view.js';
import { parseReference } from '../../env/name.js';
import { readReference } from '../../env/reference.js';
import type { Workspace } from '../../env/workspace.js';
import { type EnvironmentState, environmentState, hasLocalEdits } from '../../env/writable.js';
import { dumpManifest } from '../../manifest/dump.js';
import type { Report } from '../render.js';
import { formatTable } from '../table.js';
import { publish } from './changes.js';

interface ListedEnvironment {
  name: string;
  /** Null for a bare one. */
  python: string | null;
  state: EnvironmentState;
  generation: number;
  distributions: number;
  createdMs: number;
  /** What is wrong with it, and the remedy. */
  note?: string;
}

/** An environment that cannot be read is listed with the reason; the others are none the worse. */
export async function listEnvironments({ environments }: Workspace): Promise<Report> {
  const data: (ListedEnvironment | { name: string; error: string })[] = [];
  const notes = new Map<string, string | undefined>();
  for (const name of await environments.list()) {
    try {
      const manifest = await environments.read(name);
      const { generation, layers, createdMs } = manifest;
      const record = await interpreterOf(manifest, environments.interpreters);
      if (record && !notes.has(record.baseExecutable))
        notes.set(record.baseExecutable, await noteOn(record.baseExecutable));
      const note = record && notes.get(record.baseExecutable);
      const [python, state] = [record?.version ?? null, await environmentState(environments, manifest)];
      const listed = { name, python, state, generation, distributions: layers.length, createdMs };
      data.push(note === undefined ? listed : { ...listed, note });
    } catch (error) {
      if (!(error instanceof ShenvError)) throw error;
      if (error.code !== 'ENVIRONMENT_MISSING') data.push({ name, error: error.message });
    }
  }
  if (data.length === 0) return { data, text: 'No environments yet; make one with `shenv-fs create NAME`.' };
  const hasNotes = [...notes.values()].some((note) => note !== undefined);
  const head = ['NAME', 'PYTHON', 'STATE', 'GENERATION', 'DISTRIBUTIONS', 'CHANGED (UTC)'];
  const rows = data.map((item) => [
    ...listedRow(item),
    ...(hasNotes ? [('note' in item && item.note) || ''] : []),
  ]);
  return { data, text: formatTable(hasNotes ? [...head, 'NOTE'] : head, rows) };
}

async function noteOn(executable: string): Promise<string | undefined> {
  return (await isExecutable(executable)) ? undefined : `${executable} is gone: ${repairHint}`;
}

function listedRow(environment: ListedEnvironment | { name: string; error: string }): string[] {
  if ('error' in environment) return [environment.name, '-', '-', '-', '-', environment.error];
  const { name, python, state, generation, distributions, createdMs } = environment;
  const time = new Date(createdMs).toISOString().slice(0, 16).replace('T', ' ');
  return [name, python ?? '-', state, String(generation), String(distributions), time];
}

export async function showEnvironment(
  workspace: Workspace,
  name: string,
  options: { dump?: boolean },
): Promise<Report> {
  const { environments } = workspace;
  const manifest = await readReference(workspace, name);
  if (options.dump) return { data: manifest, text: dumpManifest(manifest) };
  const interpreter = await interpreterOf(manifest, environments.interpreters);
  const isCurrent = parseReference(name).generation === undefined;
  const state = isCurrent ? await environmentState(environments, manifest) : 'sealed';
  const hasEdits = await hasLocalEdits(environments, name);
  const distributions = manifest.layers.map(({ image, reason, directUrl, from }) => ({
    ...image,
    reason,
    directUrl,
    from,
  }));
  const data = {
    name,
    generation: manifest.generation,
    serial: manifest.serial,
    python: interpreter?.version ?? null,
    executable: interpreter?.baseExecutable ?? null,
    state,
    hasLocalEdits: hasEdits,
    requested: manifest.requested,
    options: manifest.options,
    distributions,
  };
  const sorted = [...distributions].sort((a, b) => a.name.localeCompare(b.name, 'en'));
  const rows = sorted.map((item) => [
    item.name,
    item.version,
    item.from === undefined ? item.reason : `from ${item.from}`,
    item.wheelDigest.slice(0, 16),
  ]);
  const python = interpreter
    ? `Python ${interpreter.version} (${interpreter.baseExecutable})`
    : 'no interpreter yet';
  const head = [
    `${name}: ${python}, ${state}, generation ${manifest.generation}`,
    ...(hasEdits ? ['with local edits, which are not listed here'] : []),
  ];
  return {
    data,
    text: `${head.join('\n')}\n${formatTable(['DISTRIBUTION', 'VERSION', 'WHY', 'WHEEL SHA-256'], rows)}`,
  };
}

export async function deleteEnvironments(
  workspace: Workspace,
  names: string[],
  options: { detach?: boolean },
): Promise<Report> {
  await remove(workspace, names, options.detach === true);
  await publish(workspace);
  return { data: { deleted: names }, text: names.map((name) => `Deleted '${name}'`).join('\n') };
}
