import { ShenvError } from '../base/errors.js';
import type { Layer, Manifest } from '../manifest/types.js';
import { type InterpreterRecord, readInterpreter } from '../python/interpreter-record.js';
import { normalizeName } from '../wheel/filename.js';
import { parseRequirement, type Requirement } from '../wheel/requirement.js';
import { satisfies } from '../wheel/version.js';
import { requestedName } from './requested.js';
import { printable, readStoreUse, titleOf } from './store-use.js';
import { dependencyGraph, type GraphNode } from './tree.js';
import type { Workspace } from './workspace.js';

/** One step from what was asked for to what is used. */
export interface Link {
  name: string;
  version: string;
  /** How the one before asks for it: a specifier or `*`; at the beginning undefined. */
  requirement: string | undefined;
}

/** A generation that shows a distribution, and why. */
export interface Use {
  /** Path of the home, else its id, of an environment of another home; what is known of it is the root in the store. */
  home: string | undefined;
  environment: string;
  generation: number;
  isCurrent: boolean;
  version: string;
  why: Layer['reason'] | 'inherited';
  /** The line that asked for it; only where it was requested by one. */
  requirement: string | undefined;
  /** The environment that it is inherited from. */
  from: string | undefined;
  /**
   * The shortest way from each other distribution that was asked for and needs it, shortest first; none for
   * environments of other homes.
   */
  chains: Link[][];
}

export interface Uses {
  uses: Use[];
  /** Environments of this home that cannot be read, with the reason. */
  unreadable: { environment: string; error: string }[];
  /** What cannot be read of other homes, in words. */
  gaps: string[];
}

export interface WhoUsesOptions {
  /** Every generation, newest first, not only the current ones. */
  allGenerations?: boolean;
  /** Leaves other homes that use the store out. */
  here?: boolean;
}

/**
 * Which environments show a distribution, in any version or in those that `NAME<2` means: those of this home, then
 * those of other homes that the store has roots of. Throws REQUIREMENT, USAGE.
 */
export async function whoUses(
  workspace: Workspace,
  text: string,
  { allGenerations = false, here = false }: WhoUsesOptions = {},
): Promise<Uses> {
  const wanted = parseWanted(text);
  const found: Uses = { uses: [], unreadable: [], gaps: [] };
  for (const name of await workspace.environments.list()) {
    try {
      found.uses.push(...(await usesIn(workspace, name, { wanted, allGenerations })));
    } catch (error) {
      if (!(error instanceof ShenvError)) throw error;
      found.unreadable.push({ environment: name, error: error.message });
    }
  }
  if (here) return found;
  const elsewhere = await usesElsewhere(workspace, { wanted, allGenerations });
  return { ...found, uses: [...found.uses, ...elsewhere.uses], gaps: elsewhere.gaps };
}

interface Question {
  wanted: Requirement;
  allGenerations: boolean;
}

async function usesElsewhere(
  workspace: Workspace,
  { wanted, allGenerations }: Question,
): Promise<Pick<Uses, 'uses' | 'gaps'>> {
  const { homes, ownHome, environments, gaps } = await readStoreUse(workspace);
  const uses: Use[] = [];
  for (const { home: id, generations } of environments) {
    if (id === ownHome) continue;
    const home = titleOf(homes.find((item) => item.id === id)!);
    for (const manifest of allGenerations ? generations : generations.slice(0, 1)) {
      const layer = manifest.layers.find(({ image }) => isMeant(wanted, image));
      const isCurrent = manifest === generations[0];
      if (layer) uses.push({ ...printableUse(describeLayer(manifest, layer)), home, isCurrent, chains: [] });
    }
  }
  const others = gaps.filter(({ home }) => home !== ownHome);
  return { uses, gaps: others.map(({ what }) => what) };
}

function parseWanted(text: string): Requirement {
  const wanted = parseRequirement(text);
  if (wanted.url === undefined && wanted.marker === undefined && wanted.extras.length === 0) return wanted;
  throw new ShenvError('USAGE', `'${text}' is more than a name and a version specifier`, {
    hint: 'For example: shenv-fs who-uses "urllib3<2.5"',
  });
}

async function usesIn(
  workspace: Workspace,
  name: string,
  { wanted, allGenerations }: Question,
): Promise<Use[]> {
  const { environments } = workspace;
  const numbers = (await environments.generations(name)).reverse();
  const uses: Use[] = [];
  for (const generation of allGenerations ? numbers : numbers.slice(0, 1)) {
    const manifest = await environments.read(name, generation);
    const layer = manifest.layers.find(({ image }) => isMeant(wanted, image));
    if (!layer) continue;
    const interpreter = await readInterpreter(environments.interpreters, manifest.interpreter);
    const isCurrent = generation === numbers[0];
    uses.push({ ...describeUse(workspace, interpreter, { manifest, layer }), isCurrent });
  }
  return uses;
}

/** Another user wrote it, unlike what this home's environments tell. */
function printableUse<T extends ReturnType<typeof describeLayer>>(use: T): T {
  const { environment, version, requirement, from } = use;
  return {
    ...use,
    environment: printable(environment),
    version: printable(version),
    requirement: requirement && printable(requirement),
    from: from && printable(from),
  };
}

function isMeant({ name, specifier }: Requirement, image: Layer['image']): boolean {
  return normalizeName(image.name) === normalizeName(name) && satisfies(image.version, specifier);
}

function describeUse(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  { manifest, layer }: { manifest: Manifest; layer: Layer },
): Omit<Use, 'isCurrent'> {
  const name = normalizeName(layer.image.name);
  const chains = chainsTo(name, graphOf(workspace, interpreter, manifest), manifest.layers);
  return { ...describeLayer(manifest, layer), home: undefined, chains };
}

function describeLayer(
  { name: environment, generation, requested, layers }: Manifest,
  layer: Layer,
): Omit<Use, 'home' | 'isCurrent' | 'chains'> {
  const name = normalizeName(layer.image.name);
  return {
    environment,
    generation,
    version: layer.image.version,
    why: layer.from === undefined ? layer.reason : 'inherited',
    requirement: requested.find((text) => requestedName(text, layers) === name),
    from: layer.from,
  };
}

/** Images of old generations may be gone from the store; then nothing is known of what needs what. */
function graphOf(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  manifest: Manifest,
): ReadonlyMap<string, GraphNode> {
  try {
    return dependencyGraph(workspace, interpreter, manifest);
  } catch (error) {
    if (error instanceof ShenvError && error.code === 'IMAGE_MISSING') return new Map();
    throw error;
  }
}

function chainsTo(name: string, graph: ReadonlyMap<string, GraphNode>, layers: readonly Layer[]): Link[][] {
  const roots = layers
    .filter(({ reason }) => reason === 'requested')
    .map(({ image }) => normalizeName(image.name));
  return roots
    .filter((root) => root !== name)
    .flatMap((root) => {
      const chain = shortestChain(root, name, graph);
      return chain ? [chain] : [];
    })
    .sort((a, b) => a.length - b.length);
}

/** Breadth first, so that the first way found is the shortest. */
function shortestChain(
  root: string,
  name: string,
  graph: ReadonlyMap<string, GraphNode>,
): Link[] | undefined {
  const seen = new Set([root]);
  const ways: { at: string; chain: Link[] }[] = [{ at: root, chain: linkTo(graph, root, undefined) }];
  for (const { at, chain } of ways) {
    if (at === name) return chain;
    for (const edge of graph.get(at)?.dependencies ?? []) {
      if (seen.has(edge.name)) continue;
      seen.add(edge.name);
      ways.push({ at: edge.name, chain: [...chain, ...linkTo(graph, edge.name, edge.requirement)] });
    }
  }
  return undefined;
}

function linkTo(
  graph: ReadonlyMap<string, GraphNode>,
  name: string,
  requirement: string | undefined,
): Link[] {
  const node = graph.get(name);
  return node ? [{ name: node.name, version: node.version, requirement }] : [];
}
