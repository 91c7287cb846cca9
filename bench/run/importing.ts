import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../test/support/sandbox.js';
import type { Bench } from './bench.js';
import { must, plainVariables, wallMs } from './commands.js';
import type { Place } from './contender.js';

const script = join(projectRoot, 'bench/python/import-modules.py');

/** A file with the names of modules, one a line, which `importAll` imports in this order. */
export async function moduleList(bench: Bench, name: string, modules: readonly string[]): Promise<string> {
  const path = join(await bench.newFolder('lists'), `${name}.modules`);
  await writeFile(path, `${modules.join('\n')}\n`);
  return path;
}

/** The importable modules of packages, until so many are loaded, as an environment on the disk has them. */
export async function collectModules(
  bench: Bench,
  place: Place,
  { name, packages, limit }: { name: string; packages: readonly string[]; limit: number },
): Promise<string> {
  const env = { ...plainVariables(), LIMIT: String(limit) };
  const output = await must(place.python, ['-B', script, '--collect', ...packages], { env });
  return moduleList(bench, name, output.trim().split('\n'));
}

export interface ImportOptions {
  python?: string;
  variables?: NodeJS.ProcessEnv;
}

/** Wall ms of a process that imports the list; its bytecode is read where it is there and never written. */
export function importAll(place: Place, list: string, options: ImportOptions = {}): Promise<number> {
  const env = { ...plainVariables(), ...options.variables };
  return wallMs(options.python ?? place.python, ['-B', script, list], { env });
}

/** How many modules are loaded after the import: the same everywhere, or the times are not about the same work. */
export async function loadedModules(
  place: Place,
  list: string,
  options: ImportOptions = {},
): Promise<number> {
  const env = { ...plainVariables(), ...options.variables };
  return Number(await must(options.python ?? place.python, ['-B', script, list], { env }));
}
