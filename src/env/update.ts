import { basename } from 'node:path';
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
import { inheritLayers, readParents, settle } from './inherit.js';
import type { Chosen } from './pin.js';
import { publishWithFollowers } from './publish.js';
import { type Named, namesPlace, requestedName, requirementOf } from './requested.js';
import type { Installed } from './resolve.js';
import { select } from './select.js';
import { tryGeneration } from './try-generation.js';
import { asksForNothing, type Wanted } from './wanted.js';
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
  return update(workspace, { name, what: `install ${describe(wanted)}` }, async (current, interpreter) => {
    const installed = { layers: current.layers, ...current.options, upgrade };
    const { requested, ...next } = await add(workspace, interpreter, wanted, installed);
    return {
      ...next,
      layers: asRequested(next.layers, requested),
      requested: mergeRequested(current, { layers: next.layers, requested }),
    };
  });
}

/** The layers with what was chosen for `wanted`, and the requirements of that alone. */
async function add(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  wanted: Wanted,
  installed: Installed & Pick<Manifest['options'], 'bytecode'> & { layers: readonly Layer[] },
): Promise<Next> {
  const { chosen, installer, requested } = await select(workspace, interpreter, wanted, installed);
  const cacheTag = installed.bytecode ? interpreter.cacheTag : undefined;
  const added = chosen.map((item) => toLayer(item, installer, cacheTag));
  return { layers: merge(installed.layers, added), requested, imagesAdded: countAdded(chosen) };
}

/**
 * Newer versions of the distributions `names`, or of all that were asked for, as their requirements allow.
 * What was not asked for before still counts as a dependency. Throws DISTRIBUTION_MISSING.
 */
export async function upgrade(
  workspace: Workspace,
  name: string,
  names: readonly string[],
  wanted: Wanted,
): Promise<UpdateResult> {
  return update(
    workspace,
    { name, what: `upgrade ${names.join(' ') || 'all'}` },
    async (current, interpreter) => {
      assertShown(current, names);
      const { requested } = current;
      const { requirements, editables } = splitEditables(requirementsToUpgrade(current, names));
      const newer = { ...wanted, requirements, editables: [...wanted.editables, ...editables] };
      if (asksForNothing(newer)) return { layers: current.layers, requested, imagesAdded: 0 };
      const strategy = names.length > 0 ? 'only-if-needed' : 'eager';
      const installed = { layers: current.layers, ...current.options, upgrade: strategy } as const;
      return { ...(await add(workspace, interpreter, newer, installed)), requested };
    },
  );
}

/** The requirements that led to `names`, or to all that was asked for; the pip of `create` was not. */
function requirementsToUpgrade({ layers, requested }: Manifest, names: readonly string[]): string[] {
  const texts = new Map(requested.map((text) => [requestedName(text, layers), text]));
  const wanted = new Set(names.map(normalizeName));
  const isWanted = ({ image, reason, from }: Layer) => {
    const name = normalizeName(image.name);
    if (names.length > 0) return wanted.has(name);
    if (from !== undefined) return false;
    return reason === 'requested' && (texts.has(name) || !isPip(name));
  };
  return layers.filter(isWanted).map((layer) => {
    const text = texts.get(normalizeName(layer.image.name));
    return text === undefined || (layer.directUrl && !namesPlace(text)) ? requirementOf(layer) : text;
  });
}

/** Makes the environment hold exactly what `wanted` leads to, and the pip that it was created with. */
export async function sync(workspace: Workspace, name: string, wanted: Wanted): Promise<UpdateResult> {
  return update(workspace, { name, what: `sync ${describe(wanted)}` }, async (current, interpreter) => {
    const inherited = current.layers.filter(({ from }) => from !== undefined);
    const installed = { layers: inherited, ...current.options, upgrade: undefined };
    const beside = inherited.length > 0 ? installed : undefined;
    const { chosen, installer, requested } = await select(workspace, interpreter, wanted, beside);
    const cacheTag = current.options.bytecode ? interpreter.cacheTag : undefined;
    const layers = keepOrigins(
      current.layers,
      chosen.map((item) => toLayer(item, installer, cacheTag)),
    );
    const kept = current.layers.filter(
      ({ image, from }) =>
        from === undefined && isPip(image.name) && !layers.some((layer) => isPip(layer.image.name)),
    );
    return { layers: [...inherited, ...kept, ...layers], requested, imagesAdded: countAdded(chosen) };
  });
}

/** Takes distributions out; with `prune` also dependencies that nothing needs any more. */
export async function remove(
  workspace: Workspace,
  name: string,
  names: readonly string[],
  prune: boolean,
): Promise<UpdateResult> {
  return update(
    workspace,
    { name, what: `remove ${names.join(' ')}${prune ? ' --prune' : ''}` },
    async (current, interpreter) => {
      assertShown(current, names);
      const doomed = new Set(names.map(normalizeName));
      const layers = current.layers.filter(({ image }) => !doomed.has(normalizeName(image.name)));
      const requested = current.requested.filter((text) => !doomed.has(requestedName(text, current.layers)));
      const left = { layers, requested, imagesAdded: 0 };
      if (!prune) return left;
      const { withoutUnneeded } = await import('./tree.js');
      return { ...left, layers: await withoutUnneeded(workspace, interpreter, left) };
    },
  );
}

async function update(
  workspace: Workspace,
  { name, what }: { name: string; what: string },
  plan: (current: Manifest, interpreter: InterpreterRecord) => Promise<Next>,
): Promise<UpdateResult> {
  const { environments } = workspace;
  const current = await environments.read(name);
  const interpreter = await readInterpreter(environments.interpreters, current.interpreter);
  const next = await plan(current, interpreter);
  const { own, parents } = settle(current, next.layers);
  const inherited = await readParents(workspace, parents);
  const manifest: Manifest = {
    ...current,
    generation: current.generation + 1,
    change: { atMs: Date.now(), what },
    createdMs: nowMs(),
    parents: inherited.map(({ parent }) => parent),
    ...assignSlots(current.layers, inheritLayers(inherited, own), current.nextSlot),
    requested: [...next.requested],
  };
  const changes = differences(current.layers, manifest.layers);
  const result = { differences: changes, imagesAdded: next.imagesAdded };
  if (isSame(current, manifest)) return { ...result, manifest: current, clashes: [], broken: [] };
  const { clashes } = await tryGeneration(workspace, interpreter, manifest);
  await publishWithFollowers(workspace, [manifest]);
  return { ...result, manifest, clashes, broken: brokenBy(workspace, interpreter, current, manifest) };
}

/** What was asked for, as `history` tells it. */
function describe({ requirements, requirementFiles, editables }: Wanted): string {
  const files = requirementFiles.map((path) => `-r ${basename(path)}`);
  return [...requirements, ...files, ...editables.map((path) => `-e ${path}`)].join(' ');
}

function isSame(current: Manifest, next: Manifest): boolean {
  const content = ({ layers, requested, options, parents }: Manifest) =>
    JSON.stringify([layers, requested, options, parents.map(({ seen: _, ...parent }) => parent)]);
  return content(current) === content(next);
}

/** What stays keeps its place; what is new or replaced comes last, as if it had been installed after. */
function merge(current: readonly Layer[], chosen: readonly NewLayer[]): NewLayer[] {
  const before = new Map(current.map((layer) => [normalizeName(layer.image.name), layer]));
  const added = chosen.filter((layer) => !showsSame(before.get(normalizeName(layer.image.name)), layer));
  const replaced = new Set(added.map(({ image }) => normalizeName(image.name)));
  const kept = current.filter(({ image }) => !replaced.has(normalizeName(image.name)));
  const later = added.map((layer) => {
    const reason = before.get(normalizeName(layer.image.name))?.reason ?? layer.reason;
    return { ...layer, reason };
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
  const names = new Set(requested.map((text) => requestedName(text, layers)));
  return layers.map((layer) =>
    names.has(normalizeName(layer.image.name)) ? { ...layer, reason: 'requested' as const } : layer,
  );
}

interface Asked {
  layers: readonly Named[];
  requested: readonly string[];
}

/** A later requirement for a name takes the place of an earlier one; one that is repeated stays where it is. */
function mergeRequested(current: Asked, added: Asked): string[] {
  const names = new Set(added.requested.map((text) => requestedName(text, added.layers)));
  const isKept = (text: string) =>
    added.requested.includes(text) || !names.has(requestedName(text, current.layers));
  return [...new Set([...current.requested.filter(isKept), ...added.requested])];
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
