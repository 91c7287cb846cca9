import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Probe } from '../../src/python/probe.js';
import { projectRoot } from '../../test/support/sandbox.js';
import { must, plainVariables } from '../run/commands.js';
import { alwaysThere, type Contender, type Ingredients, type Place } from '../run/contender.js';
import { sourceOf, type WheelSet } from '../run/wheel-set.js';

export function siteOf(prefix: string, { minor }: Pick<Probe, 'minor'>): string {
  return join(prefix, 'lib', `python${minor}`, 'site-packages');
}

/** `python -m venv --without-pip`. */
export async function bareVenv(prefix: string, { baseExecutable }: Probe): Promise<void> {
  await must(baseExecutable, ['-I', '-m', 'venv', '--without-pip', prefix], { env: plainVariables() });
}

/** The command with which pip installs into `prefix`: the set's own pip where it has one, else the interpreter's. */
export async function pipCommand({ wheels }: WheelSet, python: Probe, prefix: string): Promise<string[]> {
  const wheel = (await readdir(wheels)).find((name) => name.startsWith('pip-'));
  const pip = wheel === undefined ? ['-m', 'pip'] : [join(wheels, wheel, 'pip')];
  return [python.baseExecutable, ...pip, '-q', '--python', prefix];
}

export function venvPlace(contender: string, prefix: string, python: Probe): Place {
  return {
    contender,
    prefix,
    sites: [siteOf(prefix, python)],
    python: join(prefix, 'bin/python'),
    own: [prefix],
    shared: [],
  };
}

/** For generated sets: resolving a thousand distributions takes pip minutes. */
const unpackScript = join(projectRoot, 'bench/python/unpack-wheels.py');

export const venv: Contender = {
  name: 'venv',
  about: '`python -m venv` and `pip install` on the disk: what everything is compared with',
  missing: alwaysThere,
  async setUp({ bench, set, python }) {
    const prefix = join(await bench.newFolder('venv', set.name, python.minor), 'env');
    await bareVenv(prefix, python);
    if (set.lock) {
      await must(join(prefix, 'bin/python'), [unpackScript, siteOf(prefix, python), set.wheels]);
      return venvPlace('venv', prefix, python);
    }
    const [program = '', ...args] = await pipCommand(set, python, prefix);
    const install = ['install', ...sourceOf(set), ...set.requirements];
    await must(program, [...args, ...install], { env: plainVariables() });
    return venvPlace('venv', prefix, python);
  },
  further: copyWith('-a'),
};

/** Makes a further environment with cp(1), which is what a user of links or copies would do. */
export function copyWith(mode: string): NonNullable<Contender['further']> {
  return async (place: Place, index: number, { python }: Ingredients) => {
    const prefix = `${place.prefix}-${index}`;
    await must('cp', [mode, place.prefix, prefix]);
    return { ...venvPlace(place.contender, prefix, python), shared: place.shared };
  };
}
