import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../../test/support/sandbox.js';
import { must } from '../run/commands.js';
import { alwaysThere, type Contender, type Ingredients, type Place } from '../run/contender.js';
import { partFolders, partsOf } from './parts.js';
import { bareVenv, copyWith, siteOf, venvPlace } from './venv.js';

/** A bare venv that finds one shared folder a distribution by what `point` writes into its site-packages. */
async function pointingVenv(
  name: string,
  ingredients: Ingredients,
  point: (site: string, folders: string[]) => Promise<void>,
): Promise<Place> {
  const { bench, set, python } = ingredients;
  const parts = await partsOf(ingredients);
  const prefix = join(await bench.newFolder(name, set.name, python.minor), 'env');
  await bareVenv(prefix, python);
  const sites = partFolders(parts).map((part) => siteOf(part, python));
  await point(siteOf(prefix, python), sites);
  return { ...venvPlace(name, prefix, python), sites, shared: [parts.folder] };
}

const further: NonNullable<Contender['further']> = async (place, index, ingredients) => ({
  ...(await copyWith('-a')(place, index, ingredients)),
  sites: place.sites,
});

export const pth: Contender = {
  name: 'pth',
  about: 'a .pth file that puts one folder a distribution on sys.path',
  missing: alwaysThere,
  further,
  setUp: (ingredients) =>
    pointingVenv('pth', ingredients, (site, folders) =>
      writeFile(join(site, 'bench.pth'), `${folders.join('\n')}\n`),
    ),
};

export const finder: Contender = {
  name: 'finder',
  about: 'a sys.meta_path finder with a cached map of top-level names (bench/python/bench_finder.py)',
  missing: alwaysThere,
  further,
  setUp: (ingredients) =>
    pointingVenv('finder', ingredients, async (site, folders) => {
      const script = 'bench_finder.py';
      await copyFile(join(projectRoot, 'bench/python', script), join(site, script));
      await writeFile(join(site, 'bench_finder.paths'), folders.join('\n'));
      await writeFile(join(site, 'bench_finder.pth'), 'import bench_finder\n');
      // The first start writes the map and the finder's own bytecode.
      await must(join(site, '../../../bin/python'), ['-c', 'pass']);
    }),
};
