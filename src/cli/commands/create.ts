import { createEnvironment } from '../../env/create.js';
import type { Workspace } from '../../env/workspace.js';
import { reloadMounts } from '../../mount/runtime.js';
import { plural, type Report } from '../render.js';

export interface CreateOptions {
  python?: string;
  requirement: string[];
  constraint: string[];
  indexUrl?: string;
  extraIndexUrl: string[];
  findLinks: string[];
  index: boolean;
  pre?: boolean;
  withoutPip?: boolean;
  systemSitePackages?: boolean;
  bytecode: boolean;
}

export async function create(
  workspace: Workspace,
  name: string,
  requirements: string[],
  options: CreateOptions,
): Promise<Report> {
  const startedMs = Date.now();
  const { manifest, view, clashes, imagesAdded } = await createEnvironment(workspace, {
    name,
    requirements,
    pipArgs: pipArguments(options),
    withPip: options.withoutPip !== true,
    bytecode: options.bytecode,
    systemSitePackages: options.systemSitePackages === true,
    ...(options.python === undefined ? {} : { python: options.python }),
  });
  await reloadMounts(workspace.places.runtime, workspace.places.home);
  const seconds = (Date.now() - startedMs) / 1000;
  const distributions = manifest.layers.map(({ image }) => `${image.name} ${image.version}`);
  const reused = distributions.length - imagesAdded;
  const lines = [
    `Created '${name}' with Python ${view.interpreter?.version}: ${plural(distributions.length, 'distribution')}, ` +
      `${reused} from the store, ${imagesAdded} new (${seconds.toFixed(1)} s)`,
    ...clashes.map(
      ({ path, earlier, later }) => `  note: '${path}' is in ${earlier} and ${later}; the latter is shown`,
    ),
  ];
  return {
    data: { name, python: view.interpreter?.version, distributions, imagesAdded, clashes, seconds },
    text: lines.join('\n'),
  };
}

/** The options that pip takes under the same names. */
function pipArguments(options: CreateOptions): string[] {
  const repeated = (flag: string, values: readonly string[]) => values.flatMap((value) => [flag, value]);
  return [
    ...repeated('-r', options.requirement),
    ...repeated('-c', options.constraint),
    ...(options.indexUrl === undefined ? [] : ['--index-url', options.indexUrl]),
    ...repeated('--extra-index-url', options.extraIndexUrl),
    ...repeated('--find-links', options.findLinks),
    ...(options.index ? [] : ['--no-index']),
    ...(options.pre ? ['--pre'] : []),
  ];
}
