import { normalizeName } from '../wheel/filename.js';

/** One chosen distribution as the order needs it. */
export interface OrderedNode {
  name: string;
  /** Requires-Dist values. */
  requires: readonly string[];
  /** Extras of it that were asked for. */
  extras: readonly string[];
  requested: boolean;
}

/**
 * Sorts as pip installs: what is deepest in the graph first, names descending among equals, so that a
 * file that two distributions bring has the same winner. Edges whose markers do not speak of
 * extras count whenever their target was chosen.
 */
export function installationOrder<T>(items: readonly T[], describe: (item: T) => OrderedNode): T[] {
  const nodes = new Map(items.map((item) => [normalizeName(describe(item).name), describe(item)]));
  const edges = new Map([...nodes].map(([name, node]) => [name, dependenciesOf(node, nodes)]));
  const weights = new Map<string, number>();
  const visit = (name: string, path: Set<string>) => {
    if (path.has(name)) return;
    const deeper = path.size + 1;
    if ((weights.get(name) ?? 0) >= deeper) return;
    weights.set(name, deeper);
    path.add(name);
    for (const dependency of edges.get(name) ?? []) visit(dependency, path);
    path.delete(name);
  };
  for (const [name, node] of nodes) if (node.requested) visit(name, new Set());
  const weightOf = (item: T) => weights.get(normalizeName(describe(item).name)) ?? 0;
  return [...items].sort((a, b) => {
    const [left, right] = [normalizeName(describe(a).name), normalizeName(describe(b).name)];
    return weightOf(b) - weightOf(a) || (left < right ? 1 : -1);
  });
}

function dependenciesOf(node: OrderedNode, nodes: ReadonlyMap<string, OrderedNode>): string[] {
  return node.requires.flatMap((requirement) => {
    const name = normalizeName(/^\s*([A-Za-z0-9][A-Za-z0-9._-]*)/.exec(requirement)?.[1] ?? '');
    const extra = /extra\s*==\s*['"]([^'"]+)['"]/.exec(requirement)?.[1];
    const wanted =
      extra === undefined || node.extras.some((asked) => normalizeName(asked) === normalizeName(extra));
    return wanted && nodes.has(name) ? [name] : [];
  });
}
