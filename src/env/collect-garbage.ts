import { readdir } from 'node:fs/promises';
import { ShenvError, unless } from '../base/errors.js';
import { type Collected, collect } from '../store/gc/collect.js';
import { markReferred } from './collect-roots.js';
import { listChildren } from './inherit.js';
import type { Workspace } from './workspace.js';

export interface GarbageRequest {
  /** Removes all but this many of the newest generations of each environment of this home first. */
  keep: number | undefined;
  /** Generations that stay all the same: `web@3`, because they are mounted. */
  protectedGenerations: readonly string[];
  olderThanMs: number;
  maxBytes: number | undefined;
  isDryRun: boolean;
  waitMs: number;
  settleMs: number;
}

export interface Garbage extends Collected {
  /** Generations that `keep` removed: `web@1`. */
  generations: string[];
}

/**
 * Removes from the first store what no environment of any home, no mount and no running operation refers to. Throws
 * ROOTS_INCOMPLETE, with nothing removed but old generations.
 */
export async function collectGarbage(workspace: Workspace, request: GarbageRequest): Promise<Garbage> {
  const { store, environments, progress, signal } = workspace;
  await assertKnowsHomes(workspace);
  if (!request.isDryRun) await environments.register();
  const generations = await pruneGenerations(workspace, request);
  const { isDryRun, olderThanMs: goneMs } = request;
  if (!isDryRun) await environments.removeLeftovers();
  const collected = await collect(store.first, {
    ...request,
    mark: (times) => markReferred(store.layout, { ...times, goneMs, isMending: !isDryRun }),
    progress,
    ...(signal ? { signal } : {}),
  });
  return { ...collected, generations };
}

/** A store whose notes of homes are all lost may be anybody's. */
async function assertKnowsHomes({ store: { layout } }: Workspace): Promise<void> {
  if ((await unless('ENOENT', readdir(layout.homes))) !== undefined) return;
  if (((await unless('ENOENT', readdir(layout.images))) ?? []).length === 0) return;
  throw new ShenvError('ROOTS_INCOMPLETE', `The store at ${layout.root} does not know whose it is`, {
    hint: `Make or change an environment in every home that uses it, then run this again; where no home does, remove ${layout.images} by hand.`,
    path: layout.homes,
  });
}

async function pruneGenerations(workspace: Workspace, request: GarbageRequest): Promise<string[]> {
  const { environments } = workspace;
  const { keep, isDryRun, protectedGenerations } = request;
  if (keep === undefined) return [];
  const protectedOnes = new Set([...protectedGenerations, ...(await inheritedGenerations(workspace))]);
  const pruned: string[] = [];
  for (const name of await environments.list()) {
    const old = (await environments.generations(name)).slice(0, -keep);
    const doomed = old.filter((generation) => !protectedOnes.has(`${name}@${generation}`));
    if (!isDryRun) await environments.prune(name, doomed);
    pruned.push(...doomed.map((generation) => `${name}@${generation}`));
  }
  return pruned;
}

/** Generations that children inherit without following. */
async function inheritedGenerations(workspace: Workspace): Promise<string[]> {
  const children = await listChildren(workspace);
  return children.flatMap(({ parents }) =>
    parents.flatMap(({ name, generation }) => (generation === undefined ? [] : [`${name}@${generation}`])),
  );
}
