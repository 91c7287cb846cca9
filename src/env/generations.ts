import { isDeepStrictEqual } from 'node:util';
import { syncFolder } from '../base/atomic-write.js';
import { ShenvError } from '../base/errors.js';
import type { Manifest } from '../manifest/types.js';
import { type Differences, differences } from './change.js';
import type { Environments } from './environments.js';
import { listChildren } from './inherit.js';
import { commitTogether } from './joint-change.js';
import { parseReference } from './name.js';
import { readReference } from './reference.js';
import { stageUpper } from './upper-folder.js';
import type { Workspace } from './workspace.js';

/** One generation as `history` shows it. */
export interface HistoryEntry {
  generation: number;
  atMs: number;
  what: string;
  distributions: number;
  differences: Differences;
}

/** What two generations differ in, of one environment or of two. */
export interface Comparison extends Differences {
  /** Interpreters, where they are not the same. */
  interpreters: { from: string; to: string } | undefined;
  requested: { added: string[]; removed: string[] };
}

/** Every generation of an environment, newest first, each with what it changed. */
export async function history({ environments }: Workspace, name: string): Promise<HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  let before: Manifest | undefined;
  for (const generation of await environments.generations(name)) {
    const manifest = await environments.read(name, generation);
    entries.push({
      generation,
      ...manifest.change,
      distributions: manifest.layers.length,
      differences: differences(before?.layers ?? [], manifest.layers),
    });
    before = manifest;
  }
  return entries.reverse();
}

/** Compares `web@2` with `web@3`, `web@2` with what is current, or two environments. */
export async function compare(workspace: Workspace, from: string, to: string): Promise<Comparison> {
  const [before, after] = [await readReference(workspace, from), await readReference(workspace, to)];
  const isSameInterpreter = before.interpreter === after.interpreter;
  return {
    ...differences(before.layers, after.layers),
    interpreters: isSameInterpreter ? undefined : { from: before.interpreter, to: after.interpreter },
    requested: {
      added: after.requested.filter((text) => !before.requested.includes(text)),
      removed: before.requested.filter((text) => !after.requested.includes(text)),
    },
  };
}

/**
 * Makes a further generation that shows what an earlier one showed, with its times and inode numbers;
 * the one before the current when none is given. Throws ENVIRONMENT_MISSING.
 */
export async function rollback(
  workspace: Workspace,
  name: string,
  generation?: number,
): Promise<{ manifest: Manifest; to: number; differences: Differences }> {
  const { environments } = workspace;
  const known = await environments.generations(name);
  const current = await environments.read(name, known.at(-1));
  const to = generation ?? known.at(-2);
  if (to === undefined) {
    throw new ShenvError('ENVIRONMENT_MISSING', `'${name}' has no earlier generation`, {
      hint: `\`shenv-fs history ${name}\` shows those that there are.`,
    });
  }
  const target = await environments.read(name, to);
  const manifest: Manifest = {
    ...target,
    generation: current.generation + 1,
    nextSlot: current.nextSlot,
    change: { atMs: Date.now(), what: `rollback to ${to}` },
  };
  const { publishWithFollowers } = await import('./publish.js');
  await publishWithFollowers(workspace, [manifest]);
  return { manifest, to, differences: differences(current.layers, manifest.layers) };
}

/**
 * Makes a new environment that shows what `source` (`NAME` or `NAME@GENERATION`) shows. With the upper layer of what it
 * copies, which is then writable in any case; a generation comes without one.
 */
export async function clone(workspace: Workspace, source: string, name: string): Promise<Manifest> {
  const { environments } = workspace;
  await environments.assertFree(name);
  const original = await readReference(workspace, source);
  const manifest: Manifest = {
    ...original,
    name,
    serial: await environments.claimSerial(),
    generation: 1,
    change: { atMs: Date.now(), what: `clone of ${original.name}@${original.generation}` },
  };
  const upper = environments.upper(original.name);
  const hasUpper = parseReference(source).generation === undefined && (await upper.state()) !== 'none';
  await environments.createWith(async (staged) => {
    if (!hasUpper) return;
    const copy = await stageUpper(staged);
    await (await import('./copy-upper.js')).copyUpper(upper, copy);
    await syncFolder(copy.path);
  }, manifest);
  return manifest;
}

/**
 * Gives an environment another name, its history and its upper layer with it. It gets a new serial as well: scripts and activate
 * files name the path, so under the old inode numbers the kernel would go on showing the old ones.
 * The new name is published before the old one goes, so nothing is lost in between; what was interrupted there is
 * ended by doing it again. Throws ENVIRONMENT_EXISTS, ENVIRONMENT_MISSING.
 */
export async function rename(workspace: Workspace, from: string, to: string): Promise<Manifest> {
  const { environments } = workspace;
  const before = await readGenerations(environments, from);
  if (from === to) await environments.assertFree(to);
  let renamed = await readGenerations(environments, to).catch(whereMissing);
  const [upper, itsUpper] = [environments.upper(from), environments.upper(to)];
  const isBegun = renamed && isDeepStrictEqual(renamed.map(withoutName), before.map(withoutName));
  // Two environments that were made empty in one moment differ in nothing else.
  const areTwo = (await upper.state()) !== 'none' && (await itsUpper.state()) !== 'none';
  if (!renamed || !isBegun || areTwo) {
    await environments.assertFree(to);
    const serial = await environments.claimSerial();
    renamed = before.map((manifest) => ({ ...manifest, name: to, serial }));
    const [first, ...rest] = renamed;
    await environments.create(first!, ...rest);
  }
  if (await upper.moveTo(itsUpper)) await environments.announce(to);
  const { sealed } = environments;
  if ((await sealed.has(from)) && !(await sealed.has(to)))
    await (await import('./sealed/seal.js')).seal(workspace, to);
  const children = (await listChildren(workspace)).filter(({ parents }) =>
    parents.some((item) => item.name === from),
  );
  await commitTogether(
    environments,
    children.map((child) => withParentRenamed(child, from, to)),
  );
  await environments.delete(from);
  return renamed.at(-1)!;
}

/** Oldest first. Throws ENVIRONMENT_MISSING. */
async function readGenerations(environments: Environments, name: string): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const generation of await environments.generations(name))
    manifests.push(await environments.read(name, generation));
  return manifests;
}

function withoutName({ name: _, serial: __, ...rest }: Manifest): unknown {
  return rest;
}

function whereMissing(error: unknown): undefined {
  if (!(error instanceof ShenvError) || error.code !== 'ENVIRONMENT_MISSING') throw error;
}

function withParentRenamed(child: Manifest, from: string, to: string): Manifest {
  const renamed = <T extends { name: string }>(item: T) =>
    item.name === from ? { ...item, name: to } : item;
  return {
    ...child,
    generation: child.generation + 1,
    change: { atMs: Date.now(), what: `parent '${from}' is now '${to}'` },
    parents: child.parents.map(renamed),
    layers: child.layers.map((layer) => (layer.from === from ? { ...layer, from: to } : layer)),
  };
}

/**
 * Removes environments. One that others inherit stays unless `detach` is given: they keep what they show, as
 * their own. Throws ENVIRONMENT_MISSING, ENVIRONMENT_IN_USE.
 */
export async function remove(workspace: Workspace, names: readonly string[], detach: boolean): Promise<void> {
  const { environments } = workspace;
  for (const name of names) await environments.generations(name);
  const isDoomed = ({ name }: { name: string }) => names.includes(name);
  const children = (await listChildren(workspace)).filter(
    (child) => !isDoomed(child) && child.parents.some(isDoomed),
  );
  if (children.length > 0 && !detach) {
    const list = children.map(({ name }) => `'${name}'`).join(', ');
    throw new ShenvError(
      'ENVIRONMENT_IN_USE',
      `${names.join(', ')} cannot be deleted: inherited by ${list}`,
      {
        hint: 'Delete these too, or use --detach to let them keep what they show as their own.',
      },
    );
  }
  await commitTogether(
    environments,
    children.map((child) => withoutParents(child, names)),
  );
  for (const name of names) await environments.delete(name);
}

function withoutParents(child: Manifest, names: readonly string[]): Manifest {
  return {
    ...child,
    generation: child.generation + 1,
    change: { atMs: Date.now(), what: `detach from ${names.join(', ')}` },
    parents: child.parents.filter(({ name }) => !names.includes(name)),
    layers: child.layers.map(({ from, ...layer }) =>
      from === undefined || names.includes(from) ? layer : { ...layer, from },
    ),
  };
}
