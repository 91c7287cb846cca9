import type { Layer, Manifest } from '../manifest/types.js';
import { type InterpreterRecord, readInterpreter } from '../python/interpreter-record.js';
import { markerEnvironment } from '../python/marker-environment.js';
import { normalizeName } from '../wheel/filename.js';
import { assertShown } from './change.js';
import { installationsOf } from './check.js';
import { type Dependency, dependenciesOf, spreadExtras } from './consistency.js';
import { readReference } from './reference.js';
import { requestedExtras } from './requested.js';
import type { Workspace } from './workspace.js';

/** A distribution and what it needs. */
export interface TreeNode {
  name: string;
  version: string;
  /** How the one above asks for it; undefined at the top. */
  requirement: string | undefined;
  /** Shown in full elsewhere in the tree, or in a circle. */
  repeated: boolean;
  missing: boolean;
  dependencies: TreeNode[];
}

/** A distribution that is there, in the graph of what needs what. */
export interface GraphNode {
  name: string;
  version: string;
  dependencies: { name: string; requirement: string }[];
}

/**
 * The dependencies of `names`, or of what nothing else needs and of one of each circle; with `inverse`
 * who needs them. Throws DISTRIBUTION_MISSING.
 */
export async function dependencyTree(
  workspace: Workspace,
  name: string,
  names: readonly string[],
  inverse: boolean,
): Promise<TreeNode[]> {
  const manifest = await readReference(workspace, name);
  assertShown(manifest, names);
  const interpreter = await readInterpreter(workspace.environments.interpreters, manifest.interpreter);
  const graph = dependencyGraph(workspace, interpreter, manifest);
  const nodes = inverse ? inverted(graph) : graph;
  const pointedAt = new Set(
    [...nodes.values()].flatMap((node) => node.dependencies.map((edge) => edge.name)),
  );
  const shown = new Set<string>();
  const expandAll = (roots: string[]) =>
    roots.map((root) => expand(nodes, { name: root, requirement: undefined }, shown));
  if (names.length > 0) return expandAll(names.map(normalizeName));
  const keys = [...nodes.keys()].sort();
  const trees = expandAll(keys.filter((key) => !pointedAt.has(key)));
  for (const key of keys) if (!shown.has(key)) trees.push(...expandAll([key]));
  return trees;
}

/** What the distributions of a manifest need, by normalized name; what is not there is no node. */
export function dependencyGraph(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  manifest: Pick<Manifest, 'layers' | 'requested'>,
): Map<string, GraphNode> {
  const environment = markerEnvironment(interpreter);
  const extras = requestedExtras(manifest.requested, manifest.layers);
  const distributions = spreadExtras(installationsOf(workspace, manifest, extras), environment);
  return new Map(
    distributions.map((item) => {
      const key = normalizeName(item.name);
      const dependencies = edgesOf(key, dependenciesOf(item, environment));
      return [key, { name: item.name, version: item.version, dependencies }];
    }),
  );
}

/** One edge for each name; what a distribution asks of itself (`alpha[all]` of `alpha[fast]`) is none. */
function edgesOf(own: string, dependencies: readonly Dependency[]): GraphNode['dependencies'] {
  const specifiers = new Map<string, Set<string>>();
  for (const { name, requirement } of dependencies) {
    if (name === own) continue;
    const known = specifiers.get(name) ?? new Set();
    specifiers.set(name, requirement.specifier === '' ? known : known.add(requirement.specifier));
  }
  return [...specifiers].map(([name, set]) => ({ name, requirement: [...set].join(',') || '*' }));
}

function inverted(graph: ReadonlyMap<string, GraphNode>): Map<string, GraphNode> {
  const result = new Map(
    [...graph].map(([key, node]) => [key, { ...node, dependencies: [] as GraphNode['dependencies'] }]),
  );
  for (const [key, node] of graph) {
    for (const { name, requirement } of node.dependencies)
      result.get(name)?.dependencies.push({ name: key, requirement });
  }
  return result;
}

function expand(
  nodes: ReadonlyMap<string, GraphNode>,
  { name, requirement }: { name: string; requirement: string | undefined },
  shown: Set<string>,
): TreeNode {
  const node = nodes.get(name);
  if (!node) return { name, version: '', requirement, repeated: false, missing: true, dependencies: [] };
  const { version, dependencies } = node;
  const repeated = shown.has(name) && dependencies.length > 0;
  shown.add(name);
  const sorted = [...dependencies].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    name: node.name,
    version,
    requirement,
    repeated,
    missing: false,
    dependencies: repeated ? [] : sorted.map((edge) => expand(nodes, edge, shown)),
  };
}

/** The layers that were asked for and what they need, directly or not. */
export async function withoutUnneeded(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  manifest: Pick<Manifest, 'layers' | 'requested'>,
): Promise<Layer[]> {
  const { layers } = manifest;
  const graph = dependencyGraph(workspace, interpreter, manifest);
  const needed = new Set<string>();
  const visit = (name: string) => {
    if (needed.has(name)) return;
    needed.add(name);
    for (const edge of graph.get(name)?.dependencies ?? []) visit(edge.name);
  };
  for (const { image, reason } of layers) if (reason === 'requested') visit(normalizeName(image.name));
  return layers.filter(({ image }) => needed.has(normalizeName(image.name)));
}
