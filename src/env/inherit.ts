import { ShenvError } from '../base/errors.js';
import type { Layer, Manifest, Parent } from '../manifest/types.js';
import { normalizeName } from '../wheel/filename.js';
import { assignSlots, type NewLayer, nowMs } from './change.js';
import type { Workspace } from './workspace.js';

/** A parent and the layers that it shows. */
export interface InheritedFrom {
  parent: Parent;
  layers: readonly Layer[];
}

/**
 * The layers of an environment: those of its parents in their order, without what is left out or what the
 * environment brings itself, then its own. Pure.
 */
export function inheritLayers(parents: readonly InheritedFrom[], own: readonly NewLayer[]): NewLayer[] {
  const taken = new Set(own.map(({ image }) => normalizeName(image.name)));
  const inherited: NewLayer[] = [];
  // A later parent's distribution takes the place of an earlier one's.
  for (const { parent, layers } of parents.toReversed()) {
    const fitting = layers.filter(({ image }) => {
      const name = normalizeName(image.name);
      return !taken.has(name) && !parent.omit.includes(name);
    });
    for (const { image } of fitting) taken.add(normalizeName(image.name));
    inherited.unshift(...fitting.map(({ slot: _, ...layer }) => ({ ...layer, from: parent.name })));
  }
  return [...inherited, ...own];
}

/** What an environment has of its own. */
function ownLayers(layers: readonly Layer[]): NewLayer[] {
  return layers.filter(({ from }) => from === undefined).map(({ slot: _, ...layer }) => layer);
}

/** Reads the parents that `manifest` names, each at its fixed or its newest generation. Throws ENVIRONMENT_MISSING. */
export async function readParents(
  { environments }: Workspace,
  parents: readonly Parent[],
): Promise<InheritedFrom[]> {
  return Promise.all(
    parents.map(async (parent) => {
      const { generation, layers } = await environments.read(parent.name, parent.generation);
      return { parent: { ...parent, seen: generation }, layers };
    }),
  );
}

/**
 * `changed`, the next generations of some environments, and those of all that follow them, directly or
 * through each other.
 */
export async function withFollowers(workspace: Workspace, changed: readonly Manifest[]): Promise<Manifest[]> {
  const children = await listChildren(workspace);
  const next = new Map(changed.map((manifest) => [manifest.name, manifest]));
  const pending = changed.map(({ name }) => name);
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    for (const child of children.filter((item) => follows(item, name!))) {
      const renewed = await follow(workspace, next.get(child.name) ?? successorOf(child, changed), next);
      if (!next.has(child.name) && showsSame(child, renewed)) continue;
      next.set(child.name, renewed);
      pending.push(child.name);
    }
  }
  return [...next.values()];
}

/** Current generations of the environments that inherit. */
export async function listChildren({ environments }: Workspace): Promise<Manifest[]> {
  const children: Manifest[] = [];
  for (const name of await environments.mayInherit()) {
    const manifest = await environments.read(name).catch(damaged);
    if (manifest && manifest.parents.length > 0) children.push(manifest);
  }
  return children;
}

/** A damaged environment follows nobody; `list` names it. */
function damaged(error: unknown): undefined {
  if (error instanceof ShenvError) return undefined;
  throw error;
}

function follows(child: Manifest, name: string): boolean {
  return child.parents.some((parent) => parent.name === name && parent.generation === undefined);
}

/** One change has one id, also in those that follow. */
function successorOf(child: Manifest, changed: readonly Manifest[]): Manifest {
  const id = changed.find(({ change }) => change.id !== undefined)?.change.id;
  const change = { atMs: Date.now(), what: '', ...(id === undefined ? {} : { id }) };
  return { ...child, generation: child.generation + 1, createdMs: nowMs(), change };
}

/** `child` with what its parents show now; `next` are generations that are not published yet. */
async function follow(
  workspace: Workspace,
  child: Manifest,
  next: ReadonlyMap<string, Manifest>,
): Promise<Manifest> {
  const parents: InheritedFrom[] = [];
  for (const parent of child.parents) {
    const known = parent.generation === undefined ? next.get(parent.name) : undefined;
    if (known) parents.push({ parent: { ...parent, seen: known.generation }, layers: known.layers });
    else parents.push(...(await readParents(workspace, [parent])));
  }
  const seen = parents.map(({ parent }) => `${parent.name}@${parent.seen}`).join(', ');
  return {
    ...child,
    change: { ...child.change, what: `${child.change.what && `${child.change.what}; `}follow ${seen}` },
    parents: parents.map(({ parent }) => parent),
    ...assignSlots(child.layers, inheritLayers(parents, ownLayers(child.layers)), child.nextSlot),
  };
}

function showsSame(before: Manifest, after: Manifest): boolean {
  return JSON.stringify(before.layers) === JSON.stringify(after.layers);
}

/**
 * What of `wanted` is own, and the parents with what was taken out of the inherited added to what they leave
 * out. Pure.
 */
export function settle(
  current: Pick<Manifest, 'layers' | 'parents'>,
  wanted: readonly NewLayer[],
): { own: NewLayer[]; parents: Parent[] } {
  const kept = new Set(wanted.map(({ image }) => normalizeName(image.name)));
  const parents = current.parents.map((parent) => {
    const removed = current.layers
      .filter(({ from, image }) => from === parent.name && !kept.has(normalizeName(image.name)))
      .map(({ image }) => normalizeName(image.name));
    return { ...parent, omit: [...parent.omit, ...removed] };
  });
  return { own: wanted.filter(({ from }) => from === undefined), parents };
}
