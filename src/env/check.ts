import { type Manifest, noInterpreter } from '../manifest/types.js';
import { type InterpreterRecord, readInterpreter } from '../python/interpreter-record.js';
import { markerEnvironment } from '../python/marker-environment.js';
import { normalizeName } from '../wheel/filename.js';
import type { NewLayer } from './change.js';
import { findProblems, type Installation, type Problem } from './consistency.js';
import { readReference } from './reference.js';
import type { Workspace } from './workspace.js';

/** The distributions of a manifest as their dependencies need them, with the extras asked for by name. */
export function installationsOf(
  { outlines }: Workspace,
  { layers }: { layers: readonly NewLayer[] },
  extras?: ReadonlyMap<string, readonly string[]>,
): Installation[] {
  return layers.map(({ image }) => {
    const { meta } = outlines.open(image);
    return { ...meta, extras: extras?.get(normalizeName(meta.name)) ?? [] };
  });
}

/** Requirements of an environment that are not met, by the rules of `pip check`; a bare one has none. */
export async function check(workspace: Workspace, name: string): Promise<Problem[]> {
  const manifest = await readReference(workspace, name);
  if (manifest.interpreter === noInterpreter) return [];
  const interpreter = await readInterpreter(workspace.environments.interpreters, manifest.interpreter);
  return problemsOf(workspace, interpreter, manifest);
}

/** What `after` breaks that `before` had in order. */
export function brokenBy(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  before: Manifest,
  after: Manifest,
): Problem[] {
  const known = new Set(problemsOf(workspace, interpreter, before).map((problem) => JSON.stringify(problem)));
  return problemsOf(workspace, interpreter, after).filter((problem) => !known.has(JSON.stringify(problem)));
}

function problemsOf(workspace: Workspace, interpreter: InterpreterRecord, manifest: Manifest): Problem[] {
  return findProblems(installationsOf(workspace, manifest), markerEnvironment(interpreter));
}

/** A problem in the words of pip. */
export function describeProblem({ name, version, requirement, found }: Problem): string {
  return found
    ? `${name} ${version} has requirement ${requirement}, but you have ${found.name} ${found.version}.`
    : `${name} ${version} requires ${requirement}, which is not installed.`;
}
