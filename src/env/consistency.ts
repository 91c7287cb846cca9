import { ShenvError } from '../base/errors.js';
import { normalizeName } from '../wheel/filename.js';
import type { MarkerEnvironment } from '../wheel/marker.js';
import { parseRequirement, type Requirement, requirementApplies } from '../wheel/requirement.js';
import { satisfies } from '../wheel/version.js';

/** A distribution as its dependencies need it. */
export interface Installation {
  name: string;
  version: string;
  /** Requires-Dist values. */
  requiresDist: readonly string[];
  /** Extras that count as asked for. */
  extras?: readonly string[];
}

/** A requirement that is not met. */
export interface Problem {
  name: string;
  version: string;
  /** As the metadata write it, without marker. */
  requirement: string;
  /** What is there instead; undefined where nothing is. */
  found: { name: string; version: string } | undefined;
}

/** A dependency that counts in this environment. */
export interface Dependency {
  requirement: Requirement;
  /** Normalized. */
  name: string;
}

/** The requirements of a distribution whose markers hold; such as cannot be parsed are left out, as by pip. */
export function dependenciesOf(
  { requiresDist, extras = [] }: Installation,
  environment: MarkerEnvironment,
): Dependency[] {
  const dependencies: Dependency[] = [];
  for (const text of requiresDist) {
    const requirement = tryParse(text);
    if (requirement === undefined || !requirementApplies(requirement, environment, extras)) continue;
    dependencies.push({ requirement, name: normalizeName(requirement.name) });
  }
  return dependencies;
}

function tryParse(text: string): Requirement | undefined {
  try {
    return parseRequirement(text);
  } catch (error) {
    if (error instanceof ShenvError && error.code === 'REQUIREMENT') return undefined;
    throw error;
  }
}

/** Requirements among the distributions that are not met: the rules of `pip check`. Pure. */
export function findProblems(
  distributions: readonly Installation[],
  environment: MarkerEnvironment,
): Problem[] {
  const byName = new Map(distributions.map((item) => [normalizeName(item.name), item]));
  return distributions.flatMap((item) =>
    dependenciesOf(item, environment).flatMap(({ requirement, name }) => {
      const found = byName.get(name);
      if (found && satisfies(found.version, requirement.specifier, { prereleases: true })) return [];
      const { name: required, specifier } = requirement;
      const problem = { name: item.name, version: item.version, requirement: `${required}${specifier}` };
      return [{ ...problem, found: found && { name: found.name, version: found.version } }];
    }),
  );
}

/** Counts also the extras that the distributions ask of each other (`urllib3[socks]`). Pure. */
export function spreadExtras<T extends Installation>(
  distributions: readonly T[],
  environment: MarkerEnvironment,
): T[] {
  const extras = new Map(distributions.map((item) => [normalizeName(item.name), new Set(item.extras)]));
  const pending = [...distributions];
  for (let item = pending.pop(); item !== undefined; item = pending.pop()) {
    const asked = [...extras.get(normalizeName(item.name))!];
    for (const { requirement, name } of dependenciesOf({ ...item, extras: asked }, environment)) {
      const known = extras.get(name);
      const further = requirement.extras.map(normalizeName).filter((extra) => known && !known.has(extra));
      if (further.length === 0) continue;
      for (const extra of further) known!.add(extra);
      pending.push(distributions.find((other) => normalizeName(other.name) === name)!);
    }
  }
  return distributions.map((item) => ({ ...item, extras: [...extras.get(normalizeName(item.name))!] }));
}
