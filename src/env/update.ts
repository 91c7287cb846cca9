import type { Layer, Manifest } from '../manifest/types.js';
import { type InterpreterRecord, readInterpreter } from '../python/interpreter-record.js';
import type { Clash } from '../view/tree.js';
import { normalizeName } from '../wheel/filename.js';
import {
  assertShown,
  assignSlots,
  type Differences,
  differences,
  type NewLayer,
  nowMs,
  toLayer,
} from './change.js';
import { brokenBy } from './check.js';
import type { Problem } from './consistency.js';
import type { Chosen } from './pin.js';
import { requirementName } from './requirements-file.js';
import type { Installed } from './resolve.js';
import { select } from './select.js';
import { tryGeneration } from './try-generation.js';
import type { Wanted } from './wanted.js';
import type { Workspace } from './workspace.js';

/** What a change did to an environment. */
export interface UpdateResult {
  /** The generation that is current now; the one before when nothing had to change. */
  manifest: Manifest;
  differences: Differences;
  clashes: readonly Clash[];
  /** Requirements that are not met any more and were before. */
  broken: readonly Problem[];
  imagesAdded: number;
}

/** What the next generation is to hold. */
interface Next {
  layers: readonly NewLayer[];
  requested: readonly string[];
  imagesAdded: number;
}

/** Adds what is missing for `wanted`, or with `upgrade` also newer versions of what it names. */
export async function install(
  workspace: Workspace,
  name: string,
  wanted: Wanted,
  upgrade?: Installed['upgrade'],
): Promise<UpdateResult> {
  return update(workspace, name, async (current, interpreter) => {
    const installed = { layers: current.layers, ...current.options, upgrade };
    const selection = await select(workspace, interpreter, wanted, installed);
    const cacheTag = current.options.bytecode ? interpreter.cacheTag : undefined;
    const added = selection.chosen.map((item) => toLayer(item, selection.installer, cacheTag));
    return {
      layers: asRequested(merge(current.layers, added), selection.requested),
      requested: mergeRequested(current.requested, selection.requested),
      imagesAdded: countAdded(selection.chosen),
    };
  });
}

/** Newer versions of the distributions `names`, or of all that were asked for, as their requirements allow. */
export async function upgrade(
  workspace: Workspace,
  name: string,
  names: readonly string[],
  wanted: Wanted,
): Promise<UpdateResult> {
  const current = await workspace.environments.read(name);
  assertShown(current, names);
  const requirementOf = new Map(current.requested.map((text) => [requirementName(text), text]));
  const requested = current.layers.filter(({ reason }) => reason === 'requested');
  const chosen = names.length > 0 ? names : requested.map(({ image }) => image.name);
  const texts = chosen.map((item) => requirementOf.get(normalizeName(item)) ?? item);
  const requirements = { ...wanted, ...splitEditables(texts) };
  return install(workspace, name, requirements, names.length > 0 ? 'only-if-needed' : 'eager');
}

/** Makes the environment hold exactly what `wanted` leads to, and the pip that it was created with. */
export async function sync(workspace: Workspace, name: string, wanted: Wanted): Promise<UpdateResult> {
  return update(workspace, name, async (current, interpreter) => {
    const { chosen, installer, requested } = await select(workspace, interpreter, wanted);
    const cacheTag = current.options.bytecode ? interpreter.cacheTag : undefined;
    const layers = keepOrigins(
      current.layers,
      chosen.map((item) => toLayer(item, installer, cacheTag)),
    );
    const kept = current.layers.filter(
      ({ image }) => isPip(image.name) && !layers.some((layer) => isPip(layer.image.name)),
    );
    return { layers: [...kept, ...layers], requested, imagesAdded: countAdded(chosen) };
  });
}

/** Takes distributions out; with `prune` also dependencies that nothing needs any more. */
export async function remove(
  workspace: Workspace,
  name: string,
  names: readonly string[],
  prune: boolean,
): Promise<UpdateResult> {
  return update(workspace, name, async (current, interpreter) => {
    assertShown(current, names);
    const doomed = new Set(names.map(normalizeName));
    let layers = current.layers.filter(({ image }) => !doomed.has(normalizeName(image.name)));
    if (prune) layers = await (await import('./tree.js')).withoutUnneeded(workspace, interpreter, layers);
    const requested = current.requested.filter((text) => !doomed.has(requirementName(text)));
    return { layers, requested, imagesAdded: 0 };
  });
}

async function update(
  workspace: Workspace,
  name: string,
  plan: (current: Manifest, interpreter: InterpreterRecord) => Promise<Next>,
): Promise<UpdateResult> {
  const { environments } = workspace;
  const current = await environments.read(name);
  const interpreter = await readInterpreter(environments.interpreters, current.interpreter);
  const next = await plan(current, interpreter);
  const manifest: Manifest = {
    ...current,
    generation: current.generation + 1,
    createdMs: nowMs(),
    ...assignSlots(current.layers, next.layers, current.nextSlot),
    requested: [...next.requested],
  };
  const changes = differences(current.layers, manifest.layers);
  const result = { differences: changes, imagesAdded: next.imagesAdded };
  if (isSame(current, manifest)) return { ...result, manifest: current, clashes: [], broken: [] };
  const { clashes } = await tryGeneration(workspace, interpreter, manifest);
  await environments.commit(manifest);
  return { ...result, manifest, clashes, broken: brokenBy(workspace, interpreter, current, manifest) };
}

function isSame(current: Manifest, next: Manifest): boolean {
  const content = ({ layers, requested, options }: Manifest) => JSON.stringify([layers, requested, options]);
  return content(current) === content(next);
}

/** What stays keeps its place; what is new or replaced comes last, as if it had been installed after. */
function merge(current: readonly Layer[], chosen: readonly NewLayer[]): NewLayer[] {
  const before = new Map(current.map((layer) => [normalizeName(layer.image.name), layer]));
  const added = chosen.filter((layer) => !showsSame(before.get(normalizeName(layer.image.name)), layer));
  const replaced = new Set(added.map(({ image }) => normalizeName(image.name)));
  const kept = current.filter(({ image }) => !replaced.has(normalizeName(image.name)));
  const later = added.map((layer) => {
    const wasRequested = before.get(normalizeName(layer.image.name))?.reason === 'requested';
    return wasRequested ? { ...layer, reason: 'requested' as const } : layer;
  });
  return [...kept, ...later];
}

/** What stays has the installer and the place that it had, whoever chose it now. */
function keepOrigins(current: readonly Layer[], chosen: readonly NewLayer[]): NewLayer[] {
  const before = new Map(current.map((layer) => [normalizeName(layer.image.name), layer]));
  return chosen.map((layer) => {
    const old = before.get(normalizeName(layer.image.name));
    if (old === undefined || !showsSame(old, layer)) return layer;
    const url = layer.url ?? old.url;
    return { ...layer, installer: old.installer, ...(url === undefined ? {} : { url }) };
  });
}

function showsSame(before: Layer | undefined, after: NewLayer): boolean {
  return (
    before?.image.wheelDigest === after.image.wheelDigest &&
    JSON.stringify(before.directUrl) === JSON.stringify(after.directUrl)
  );
}

/** What is there already counts as requested from now on when a requirement names it. */
function asRequested(layers: readonly NewLayer[], requested: readonly string[]): NewLayer[] {
  const names = new Set(requested.map(requirementName));
  return layers.map((layer) =>
    names.has(normalizeName(layer.image.name)) ? { ...layer, reason: 'requested' as const } : layer,
  );
}

/** A later requirement for a name takes the place of an earlier one. */
function mergeRequested(current: readonly string[], added: readonly string[]): string[] {
  const names = new Set(added.map(requirementName));
  return [...current.filter((text) => !names.has(requirementName(text))), ...added];
}

function splitEditables(texts: readonly string[]): Pick<Wanted, 'requirements' | 'editables'> {
  const editables = texts.filter((text) => text.startsWith('-e ')).map((text) => text.slice(3));
  return { requirements: texts.filter((text) => !text.startsWith('-e ')), editables };
}

function isPip(name: string): boolean {
  return normalizeName(name) === 'pip';
}

function countAdded(chosen: readonly Chosen[]): number {
  return chosen.filter(({ added }) => added).length;
}
