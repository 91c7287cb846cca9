import { ShenvError } from '../base/errors.js';
import type { Manifest } from '../manifest/types.js';
import { readInterpreter } from '../python/interpreter-record.js';
import { normalizeName } from '../wheel/filename.js';
import { compileImages } from './bytecode.js';
import { assertShown } from './change.js';
import { type FleetPlan, newChangeId } from './fleet-upgrade.js';
import { commitTogether } from './joint-change.js';
import { publishWithFollowers } from './publish.js';
import type { Workspace } from './workspace.js';

/** A change that several environments have in common. */
export interface FleetChange {
  id: string;
  atMs: number;
  what: string;
  environments: {
    name: string;
    /** The generation that it made. */
    generation: number;
    isCurrent: boolean;
  }[];
}

/**
 * Publishes what a plan prepared and what follows from it for those that inherit, as one change; what is blocked stays as it is. Gives the new generations.
 * Throws ENVIRONMENT_CHANGED, and then no environment shows anything of it.
 */
export async function applyUpgrade(workspace: Workspace, { entries }: FleetPlan): Promise<Manifest[]> {
  const manifests = entries.flatMap(({ next }) => next ?? []);
  for (const key of new Set(manifests.map(({ interpreter }) => interpreter))) {
    const interpreter = await readInterpreter(workspace.environments.interpreters, key);
    const layers = manifests
      .filter((manifest) => manifest.interpreter === key)
      .flatMap((item) => item.layers);
    const images = new Map(layers.map((layer) => [`${layer.image.wheelDigest} ${layer.bytecode}`, layer]));
    await compileImages(workspace, interpreter, [...images.values()]);
  }
  workspace.signal?.throwIfAborted();
  return publishWithFollowers(workspace, manifests);
}

/** Changes that have an id, newest first; generations that are gone or damaged do not tell of theirs. */
export async function listChanges(workspace: Workspace): Promise<FleetChange[]> {
  const changes = new Map<string, FleetChange>();
  for (const { name, change, generation, isCurrent } of await readChanges(workspace)) {
    const { id, atMs, what } = change;
    if (id === undefined) continue;
    const known = changes.get(id) ?? { id, atMs, what, environments: [] };
    known.environments.push({ name, generation, isCurrent });
    changes.set(id, known);
  }
  return [...changes.values()].sort((a, b) => b.atMs - a.atMs);
}

/**
 * Takes every environment that the change `id` made the current generation of back to the generation before
 * it, as one change with an id of its own, so that it can be taken back too. Gives the new generations.
 * Throws CHANGE_SUPERSEDED when one of them has moved on since, ENVIRONMENT_MISSING when no environment
 * knows the change, ENVIRONMENT_CHANGED.
 */
export async function rollbackChange(workspace: Workspace, id: string): Promise<Manifest[]> {
  const { environments } = workspace;
  const made = (await readChanges(workspace)).filter(({ change }) => change.id === id);
  if (made.length === 0) {
    throw new ShenvError('ENVIRONMENT_MISSING', `No environment has a generation of the change '${id}'`, {
      hint: '`shenv-fs history ENV` shows what an environment was changed by.',
    });
  }
  assertCurrent(id, made);
  const change = { atMs: Date.now(), what: `rollback of ${id}`, id: newChangeId() };
  const manifests: Manifest[] = [];
  for (const { name, generation, nextSlot } of made) {
    const before = await environments.read(name, generation - 1);
    manifests.push({ ...before, generation: generation + 1, nextSlot, change });
  }
  await commitTogether(environments, manifests);
  return manifests;
}

type Generation = Pick<Manifest, 'name' | 'generation' | 'change' | 'nextSlot'> & { isCurrent: boolean };

/** Every generation of every environment, as far as it can be read. */
async function readChanges({ environments }: Workspace): Promise<Generation[]> {
  const all: Generation[] = [];
  for (const name of await environments.list()) {
    const numbers = await environments.generations(name);
    for (const generation of numbers) {
      const manifest = await readIfWhole(environments, name, generation);
      if (manifest) all.push({ ...manifest, isCurrent: generation === numbers.at(-1) });
    }
  }
  return all;
}

async function readIfWhole(
  environments: Workspace['environments'],
  name: string,
  generation: number,
): Promise<Manifest | undefined> {
  try {
    return await environments.read(name, generation);
  } catch (error) {
    if (error instanceof ShenvError && error.code === 'MANIFEST_DAMAGED') return undefined;
    throw error;
  }
}

function assertCurrent(id: string, made: readonly Generation[]): void {
  const superseded = made.filter(({ isCurrent }) => !isCurrent).map(({ name }) => `'${name}'`);
  if (superseded.length === 0) return;
  throw new ShenvError('CHANGE_SUPERSEDED', `Changed again since '${id}': ${superseded.join(', ')}`, {
    hint: 'Take such environments back one by one with `shenv-fs rollback`.',
  });
}

/**
 * Makes an environment hold distributions, so that `upgrade --everywhere` leaves them alone, or with `held`
 * false no longer. What it shows stays as it is. Gives the current generation, which is the one before when
 * nothing had to change. Throws DISTRIBUTION_MISSING for what is to be held and is not there.
 */
export async function setHeld(
  { environments }: Workspace,
  name: string,
  { names, held }: { names: readonly string[]; held: boolean },
): Promise<Manifest> {
  const current = await environments.read(name);
  if (held) assertShown(current, names);
  const wanted = names.map(normalizeName);
  const others = current.options.held.filter((item) => !wanted.includes(item));
  const after = held ? [...new Set([...others, ...wanted])].sort() : others;
  if (JSON.stringify(after) === JSON.stringify([...current.options.held].sort())) return current;
  const manifest: Manifest = {
    ...current,
    generation: current.generation + 1,
    change: { atMs: Date.now(), what: `${held ? 'hold' : 'unhold'} ${names.join(' ')}` },
    options: { ...current.options, held: after },
  };
  await environments.commit(manifest);
  return manifest;
}
