import { ShenvError } from '../base/errors.js';
import { normalizeName } from '../wheel/filename.js';
import type { MarkerEnvironment } from '../wheel/marker.js';
import { parseRequirement, type Requirement, requirementApplies } from '../wheel/requirement.js';

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
 * file that two distributions bring has the same winner. A requirement counts when its marker holds and
 * its target was chosen; one that cannot be read does not count.
 */
export function installationOrder<T>(
  items: readonly T[],
  environment: MarkerEnvironment,
  describe: (item: T) => OrderedNode,
): T[] {
  const nodes = new Map(items.map((item) => [normalizeName(describe(item).name), describe(item)]));
  const edges = new Map([...nodes].map(([name, node]) => [name, dependenciesOf(node, environment)]));
  const weights = new Map<string, number>();
  const visit = (name: string, path: Set<string>) => {
    if (path.has(name)) return;
    const deeper = path.size + 1;
    if ((weights.get(name) ?? 0) >= deeper) return;
    weights.set(name, deeper);
    path.add(name);
    for (const dependency of edges.get(name) ?? []) if (nodes.has(dependency)) visit(dependency, path);
    path.delete(name);
  };
  for (const [name, node] of nodes) if (node.requested) visit(name, new Set());
  const weightOf = (item: T) => weights.get(normalizeName(describe(item).name)) ?? 0;
  return [...items].sort((a, b) => {
    const [left, right] = [normalizeName(describe(a).name), normalizeName(describe(b).name)];
    return weightOf(b) - weightOf(a) || (left < right ? 1 : -1);
  });
}

function dependenciesOf({ requires, extras }: OrderedNode, environment: MarkerEnvironment): string[] {
  return requires.flatMap((text) => {
    const requirement = readRequirement(text);
    if (!requirement || !requirementApplies(requirement, environment, extras)) return [];
    return [normalizeName(requirement.name)];
  });
}

/** Undefined for legacy forms that old versions of pip understand. */
function readRequirement(text: string): Requirement | undefined {
  try {
    return parseRequirement(text);
  } catch (error) {
    if (error instanceof ShenvError && error.code === 'REQUIREMENT') return undefined;
    throw error;
  }
}
