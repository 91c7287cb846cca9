import { join } from 'node:path';
import { program, Sandbox } from '../../test/support/sandbox.js';
import { must, plainVariables } from '../run/commands.js';
import { alwaysThere, type Contender, type Ingredients, type Place } from '../run/contender.js';
import { sourceOf } from '../run/wheel-set.js';
import { venvPlace } from './venv.js';

/** What `shenv-fs status --json` says of one mount; the part that is used here. */
export interface MountStatus {
  mountpoint: string;
  pid: number;
  requests: Record<string, number>;
  memoryBytes: number;
}

/** A home and store of its own, so that requests and sizes are of one set alone; destroyed with the run. */
export async function newHome(bench: Ingredients['bench'], what: string): Promise<Sandbox> {
  const sandbox = await Sandbox.make();
  bench.defer(`the home ${what}`, () => sandbox.destroy());
  for (const name of Object.keys(sandbox.variables))
    if (!(name in plainVariables()) && !/^(SHENV|PYTHONDONT)/.test(name)) delete sandbox.variables[name];
  // Certificates that node reads at each start, where a machine asks for it (60 ms), are not what is measured.
  delete sandbox.variables.NODE_EXTRA_CA_CERTS;
  Object.assign(sandbox.variables, { PIP_CONFIG_FILE: '/dev/null' });
  return sandbox;
}

/** `shenv-fs create`, which may take as long as any command of a benchmark. Throws when it fails. */
export async function createIn(sandbox: Sandbox, ...args: string[]): Promise<void> {
  const options = { env: sandbox.variables, cwd: sandbox.folder };
  await must(process.execPath, [program, 'create', ...args], options);
}

/** The home with an environment of the set, named as the set is; both engines mount the same. */
export function homeOf({ bench, shelf, set, python }: Ingredients): Promise<Sandbox> {
  return shelf.once(`home ${set.name} ${python.minor}`, async () => {
    const sandbox = await newHome(bench, `${set.name}, Python ${python.minor}`);
    const requirements = set.lock ? ['-r', set.lock] : [...sourceOf(set), ...set.requirements];
    await createIn(sandbox, set.name, '--python', python.baseExecutable, '--without-pip', ...requirements);
    return sandbox;
  });
}

export async function statusOf(sandbox: Sandbox, mountpoint: string): Promise<MountStatus> {
  const all = JSON.parse(await sandbox.expect('status', '--json')) as MountStatus[];
  const found = all.find((one) => one.mountpoint === mountpoint);
  if (!found) throw new Error(`status does not know the mount ${mountpoint}`);
  return found;
}

function mountedPlace(
  engine: string,
  sandbox: Sandbox,
  mountpoint: string,
  name: string,
  python: Ingredients['python'],
): Place {
  const home = sandbox.variables.SHENV_HOME!;
  return {
    ...venvPlace(engine, join(mountpoint, name), python),
    own: [join(home, 'environments', name)],
    shared: [join(home, 'store'), join(home, 'interpreters')],
    requests: async () => (await statusOf(sandbox, mountpoint)).requests,
    memoryBytes: async () => (await statusOf(sandbox, mountpoint)).memoryBytes,
  };
}

function mounted(engine: 'kernel' | 'fuse-native', about: string): Contender {
  return {
    name: engine,
    about,
    missing: alwaysThere,
    async setUp(ingredients) {
      const sandbox = await homeOf(ingredients);
      const mountpoint = await sandbox.mount(engine, `mnt-${engine}`);
      return mountedPlace(engine, sandbox, mountpoint, ingredients.set.name, ingredients.python);
    },
    async further(_, index, ingredients) {
      const sandbox = await homeOf(ingredients);
      const name = `${ingredients.set.name}-${engine}-${index}`;
      await sandbox.expect('clone', ingredients.set.name, name);
      return mountedPlace(engine, sandbox, sandbox.path(`mnt-${engine}`), name, ingredients.python);
    },
  };
}

export const kernel = mounted('kernel', 'shenv-fs with its native engine, the default');
export const fuseNative = mounted('fuse-native', 'shenv-fs with the portable engine, in JavaScript');
