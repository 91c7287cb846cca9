import { ShenvError } from '../../base/errors.js';
import { createEnvironment } from '../../env/create.js';
import type { Workspace } from '../../env/workspace.js';
import type { EnvironmentState } from '../../env/writable.js';
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
  writable?: boolean;
}

export async function create(
  workspace: Workspace,
  name: string,
  requirements: string[],
  options: CreateOptions,
): Promise<Report> {
  if (options.seal && options.writable) {
    throw new ShenvError('USAGE', 'An environment is either sealed or writable', {
      hint: 'Use --writable now, and `shenv-fs seal` when it is to stay as it is.',
    });
  }
  const startedMs = Date.now();
  const { manifest, interpreter, clashes, imagesAdded } = await createEnvironment(workspace, {
    name,
    wanted: wantedFrom(requirements, options),
    withPip: options.withoutPip !== true,
    bytecode: options.bytecode,
    parents: options.inherit,
    isWritable: options.writable === true,
    systemSitePackages: options.systemSitePackages === true,
    ...(options.python === undefined ? {} : { python: options.python }),
  });
  if (options.seal) await (await import('../../env/sealed/seal.js')).seal(workspace, name);
  await publish(workspace);
  const state: EnvironmentState = options.writable ? 'writable' : 'sealed';
  const seconds = (Date.now() - startedMs) / 1000;
  const distributions = manifest.layers.map(({ image }) => `${image.name} ${image.version}`);
  const reused = distributions.length - imagesAdded;
  const lines = [
    `Created '${name}'${options.writable ? ', writable,' : ''} with Python ${interpreter.version}: ${plural(distributions.length, 'distribution')}, ` +
      `${reused} from the store, ${imagesAdded} new (${seconds.toFixed(1)} s)`,
    ...describeClashes(clashes),
  ];
  return {
    data: { name, python: interpreter.version, distributions, imagesAdded, clashes, state, seconds },
    text: lines.join('\n'),
  };
}
