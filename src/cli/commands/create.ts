import { createEnvironment } from '../../env/create.js';
import type { Workspace } from '../../env/workspace.js';
import { plural, type Report } from '../render.js';
import { describeClashes, publish } from './changes.js';
import { type WantedOptions, wantedFrom } from './wanted-options.js';

export interface CreateOptions extends WantedOptions {
  python?: string;
  withoutPip?: boolean;
  systemSitePackages?: boolean;
  bytecode: boolean;
  inherit: string[];
  seal?: boolean;
}

export async function create(
  workspace: Workspace,
  name: string,
  requirements: string[],
  options: CreateOptions,
): Promise<Report> {
  const startedMs = Date.now();
  const { manifest, interpreter, clashes, imagesAdded } = await createEnvironment(workspace, {
    name,
    wanted: wantedFrom(requirements, options),
    withPip: options.withoutPip !== true,
    bytecode: options.bytecode,
    parents: options.inherit,
    systemSitePackages: options.systemSitePackages === true,
    ...(options.python === undefined ? {} : { python: options.python }),
  });
  if (options.seal) await (await import('../../env/sealed/seal.js')).seal(workspace, name);
  await publish(workspace);
  const seconds = (Date.now() - startedMs) / 1000;
  const distributions = manifest.layers.map(({ image }) => `${image.name} ${image.version}`);
  const reused = distributions.length - imagesAdded;
  const lines = [
    `Created '${name}' with Python ${interpreter.version}: ${plural(distributions.length, 'distribution')}, ` +
      `${reused} from the store, ${imagesAdded} new (${seconds.toFixed(1)} s)`,
    ...describeClashes(clashes),
  ];
  return {
    data: { name, python: interpreter.version, distributions, imagesAdded, clashes, seconds },
    text: lines.join('\n'),
  };
}
