import { ShenvError } from '../../base/errors.js';
import { describeProblem } from '../../env/check.js';
import { install, remove, sync, type UpdateResult, upgrade } from '../../env/update.js';
import { asksForNothing, type Wanted } from '../../env/wanted.js';
import type { Workspace } from '../../env/workspace.js';
import { plural, type Report } from '../render.js';
import { describeClashes, describeDifferences, publish } from './changes.js';
import type { FleetOptions } from './fleet.js';
import { type WantedOptions, wantedFrom } from './wanted-options.js';

export async function installInto(
  workspace: Workspace,
  name: string,
  requirements: string[],
  options: WantedOptions & { upgrade?: boolean },
): Promise<Report> {
  const wanted = wantedFrom(requirements, options);
  assertAsked(wanted, 'install', `shenv-fs install ${name} numpy`);
  const strategy = options.upgrade ? 'only-if-needed' : undefined;
  return report(workspace, name, () => install(workspace, name, wanted, strategy));
}

export async function removeFrom(
  workspace: Workspace,
  name: string,
  names: string[],
  options: { prune?: boolean },
): Promise<Report> {
  return report(workspace, name, () => remove(workspace, name, names, options.prune === true));
}

export async function syncTo(
  workspace: Workspace,
  name: string,
  files: string[],
  options: WantedOptions,
): Promise<Report> {
  const wanted = wantedFrom([], { ...options, requirement: [...files, ...options.requirement] });
  assertAsked(wanted, 'sync to', `shenv-fs sync ${name} requirements.txt`);
  return report(workspace, name, () => sync(workspace, name, wanted));
}

export async function upgradeIn(
  workspace: Workspace,
  name: string,
  names: string[],
  options: WantedOptions & FleetOptions,
): Promise<Report> {
  const fleet = await import('./fleet.js');
  if (options.everywhere) return fleet.upgradeEverywhere(workspace, [name, ...names], options);
  fleet.assertNoFleetOption(options);
  return report(workspace, name, () => upgrade(workspace, name, names, wantedFrom([], options)));
}

function assertAsked(wanted: Wanted, what: string, example: string): void {
  if (!asksForNothing(wanted)) return;
  throw new ShenvError('USAGE', `There is nothing to ${what}: no requirement and no file is given`, {
    hint: `For example: ${example}`,
  });
}

async function report(
  workspace: Workspace,
  name: string,
  change: () => Promise<UpdateResult>,
): Promise<Report> {
  const startedMs = Date.now();
  const { manifest, differences, clashes, broken, imagesAdded } = await change();
  await publish(workspace);
  const { added, removed, replaced } = differences;
  const seconds = (Date.now() - startedMs) / 1000;
  const count = added.length + removed.length + replaced.length;
  const generation = `'${name}' is at generation ${manifest.generation}`;
  const lines = [
    ...describeDifferences(differences),
    count === 0
      ? `Nothing to change; ${generation}`
      : `${generation}: ${plural(count, 'change')}, ${imagesAdded} new in the store (${seconds.toFixed(1)} s)`,
    ...describeClashes(clashes),
    ...broken.map((problem) => `  broken by this: ${describeProblem(problem)}`),
  ];
  const data = {
    name,
    generation: manifest.generation,
    added,
    removed,
    replaced,
    clashes,
    broken,
    imagesAdded,
    seconds,
  };
  return { data, text: lines.join('\n') };
}
