import type { Manifest } from '../manifest/types.js';
import { markerEnvironment } from '../python/marker-environment.js';
import type { NewLayer } from './change.js';
import { installationsOf } from './check.js';
import { findProblems, type Problem, spreadExtras } from './consistency.js';
import type { Member } from './fleet-members.js';
import { requestedExtras } from './requested.js';
import type { Workspace } from './workspace.js';

/** No distribution's name has a space. */
const prefix = 'the environment ';

/**
 * Requirements that `layers` do not meet and the environment's present layers do, by the rules of `pip check`.
 * What the environment was asked for counts as requirements of a distribution of its own.
 */
export function problemsAdded(workspace: Workspace, member: Member, layers: readonly NewLayer[]): Problem[] {
  const { manifest } = member;
  const known = new Set(problemsOf(workspace, member, manifest.layers).map(keyOf));
  return problemsOf(workspace, member, layers).filter((problem) => !known.has(keyOf(problem)));
}

/** Whether what the user asked of the environment is not met, which no resolver can change. */
export function isOfEnvironment({ name }: Problem): boolean {
  return name.startsWith(prefix);
}

function problemsOf(workspace: Workspace, member: Member, layers: readonly NewLayer[]): Problem[] {
  const { manifest, interpreter } = member;
  const environment = markerEnvironment(interpreter);
  const extras = requestedExtras(manifest.requested, layers);
  const shown = installationsOf(workspace, { layers: layers as Manifest['layers'] }, extras);
  return findProblems(spreadExtras([...shown, itself(manifest)], environment), environment);
}

function itself({ name, generation, requested }: Manifest) {
  return { name: `${prefix}${name}`, version: `(generation ${generation})`, requiresDist: requested };
}

/** Without versions: what was not met before does not count again because something moved. */
function keyOf({ name, requirement }: Problem): string {
  return JSON.stringify([name, requirement]);
}
