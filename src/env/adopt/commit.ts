import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ShenvError } from '../../base/errors.js';
import type { Manifest } from '../../manifest/types.js';
import { attributesOf } from '../../view/locate.js';
import type { Kept, View, ViewEntry } from '../../view/tree.js';
import { placeOf } from './identity.js';
import type { AdoptionPlan, Drop } from './plan.js';
import { type Pair, reconcile, type Steps } from './reconcile.js';
import type { AdoptionTarget } from './target.js';
import { mergeTimes, readTimes, writeTimes } from './times.js';
import { isKeepable, readUpperTree } from './upper-tree.js';

/** Whoever shows the environment, or changes it without a mount. */
export interface Committing {
  target: AdoptionTarget;
  /** The generation that is current. */
  current: Manifest;
  /** Composes what lies under the upper layer, without times. */
  compose(manifest: Manifest): Promise<View>;
  /** Publishes the generation; durable when it resolves. From then on it lies under the upper layer, with the times on disk. */
  publish(manifest: Manifest): Promise<void>;
}

/** What is to be done, and of folders what they were when that was found out. */
interface Noted {
  steps: Steps;
  drops: readonly Drop[];
  folders: ReadonlyMap<string, Required<Kept>>;
}

type Place = Pick<Drop, 'slot' | 'node'>;
type Shown = Pick<Drop, 'mtimeNs' | 'mode'>;

/** What adoption has done. */
export interface Adopted {
  /** Copies that are in the upper layer no more. */
  dropped: number;
  /** Copies that were written to since they were compared. */
  kept: number;
}

/** So many operations of others wait at most for as many of these. */
const batchLength = 200;

/**
 * Carries out a plan: names of the new lower tree that are not shown become whiteouts, times are written, the generation
 * is published, then copies are dropped. Killed at any point, it leaves a tree that shows the same, and the next
 * adoption goes on. Throws ENVIRONMENT_CHANGED when the plan was made for another generation, or would change what is
 * shown.
 */
export async function commitAdoption(committing: Committing, plan: AdoptionPlan): Promise<Adopted> {
  const { target, current } = committing;
  if (current.generation !== plan.base)
    throw overtaken(current, `its generation is ${current.generation} by now`);
  const next = plan.next ?? current;
  const [before, after] = [await committing.compose(current), await committing.compose(next)];
  const folders = new Map<string, Required<Kept>>();
  const steps = await target.exclusively(async () => {
    const upper = await readUpperTree(target.root);
    const found = reconcile(upper, before, after);
    const [conflict] = found.conflicts;
    if (conflict) throw overtaken(current, `'${conflict.path}' would be another file`);
    for (const { path } of found.folders) noteFolder(target.root, path, folders);
    for (const path of found.hide) target.hide(path);
    await target.sync();
    await noteTimes(target, { steps: found, drops: plan.drops, before, after, folders });
    await committing.publish(next);
    for (const path of found.reveal) target.reveal(path);
    return found;
  });
  return dropAll(target, after, { steps, drops: plan.drops, folders });
}

function noteFolder(root: string, path: string, noted: Map<string, Required<Kept>>): void {
  const status = lstatSync(join(root, path), { bigint: true, throwIfNoEntry: false });
  const mode = Number(status?.mode ?? 0) & 0o7777;
  if (status?.isDirectory() && isKeepable(mode)) noted.set(path, { mtimeNs: status.mtimeNs, mode });
}

/** Of what will come from the store, in place before it does. */
async function noteTimes(
  target: AdoptionTarget,
  { steps, drops, before, after, folders }: Noted & { before: View; after: View },
): Promise<void> {
  const added = new Map<number, Map<number, Kept>>();
  const note = ({ slot, node }: Place, { mtimeNs, mode }: Shown, lower: ViewEntry | undefined) => {
    const isUsual = mode === undefined || (lower && mode === (attributesOf(after, lower).mode & 0o777));
    const nodes = added.get(slot) ?? new Map<number, Kept>();
    added.set(slot, nodes.set(node, isUsual ? { mtimeNs } : { mtimeNs, mode }));
  };
  const pairs = pairsByPath(steps);
  // Of a file that is gone meanwhile, too: its bytecode is made of its time.
  for (const drop of drops) {
    const pair = pairs.get(drop.path);
    note(drop, drop, isOf(after, drop, pair) ? pair!.lower : undefined);
  }
  for (const { path, lower } of steps.folders) {
    const kept = folders.get(path);
    if (kept) note(placeOf(after, lower), kept, lower);
  }
  const folder = dirname(target.root);
  const slots = new Set([0, ...[...before.layers, ...after.layers].map(({ slot }) => slot)]);
  await writeTimes(folder, mergeTimes(await readTimes(folder), added, slots));
}

async function dropAll(
  target: AdoptionTarget,
  after: View,
  { steps, drops, folders }: Noted,
): Promise<Adopted> {
  const pairs = pairsByPath(steps);
  const done: Adopted = { dropped: 0, kept: 0 };
  const fitting = drops.filter((drop) => isOf(after, drop, pairs.get(drop.path)));
  await inBatches(target, fitting, ({ path, stamp }) => {
    if (pairs.get(path)!.isHidden) target.reveal(path);
    done[target.giveBack(path, stamp) ? 'dropped' : 'kept'] += 1;
  });
  await inBatches(target, steps.folders, ({ path }) => {
    const kept = folders.get(path);
    if (kept) target.giveBackFolder(path, kept);
  });
  await target.exclusively(() => target.sync());
  return done;
}

function pairsByPath({ files }: Steps): Map<string, Pair> {
  return new Map(files.map((pair) => [pair.path, pair]));
}

function isOf(view: View, { slot, node }: Drop, pair: Pair | undefined): boolean {
  if (!pair) return false;
  const place = placeOf(view, pair.lower);
  return place.slot === slot && place.node === node;
}

async function inBatches<T>(
  target: AdoptionTarget,
  items: readonly T[],
  work: (item: T) => void,
): Promise<void> {
  for (let at = 0; at < items.length; at += batchLength) {
    await target.exclusively(async () => {
      for (const item of items.slice(at, at + batchLength)) work(item);
    });
    await setImmediate();
  }
}

function overtaken({ name }: Manifest, rule: string): ShenvError {
  return new ShenvError('ENVIRONMENT_CHANGED', `'${name}' was changed meanwhile: ${rule}`, {
    hint: 'Nothing was lost; run the command again.',
  });
}
