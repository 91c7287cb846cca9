import { join } from 'node:path';
import { projectRoot } from '../../test/support/sandbox.js';
import { must } from '../run/commands.js';
import type { Ingredients } from '../run/contender.js';
import { siteOf } from './venv.js';

/** A folder for each distribution, laid out as an environment is: what farms, paths and overlays share. */
export interface Parts {
  /** Holds the folders `0`, `1`, ...; short names, because mount(2) takes no more than a page of options. */
  folder: string;
  count: number;
}

/** Split from the pip venv, bytecode and times included; made once for all contenders that use it. */
export function partsOf({ bench, shelf, set, python }: Ingredients): Promise<Parts> {
  return shelf.once(`parts ${set.name} ${python.minor}`, async () => {
    const venv = await shelf.place('venv', set, python);
    const folder = await bench.newFolder('parts', set.name, python.minor);
    const script = join(projectRoot, 'bench/python/split-by-record.py');
    const args = [script, venv.prefix, siteOf(venv.prefix, python), folder];
    return { folder, count: Number(await must(python.baseExecutable, args)) };
  });
}

export function partFolders({ folder, count }: Parts): string[] {
  return Array.from({ length: count }, (_, index) => join(folder, String(index)));
}
