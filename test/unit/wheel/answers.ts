import { type Requirement, requirementApplies } from '../../../src/wheel/requirement.js';
import { environments, extras } from './requirement-table.js';

/** Whether the marker holds in each environment of the table, for each list of extras; null without one. */
export function environmentsHold(requirement: Requirement): boolean[] | null {
  if (!requirement.marker) return null;
  return environments.flatMap((environment) =>
    extras.map((asked) => requirementApplies(requirement, environment, asked)),
  );
}

/** packaging sorts the clauses and drops what stands twice. */
export function sortedClauses(specifier: string): string[] {
  return [...new Set(specifier.split(','))].sort();
}
