import { join } from 'node:path';
import { must } from '../run/commands.js';
import { alwaysThere, type Contender } from '../run/contender.js';
import { partFolders, partsOf } from './parts.js';
import { bareVenv, copyWith, venvPlace } from './venv.js';

/** A venv whose files are links that cp(1) makes to one shared folder a distribution. */
function farm(name: string, about: string, mode: string, copyMode: string): Contender {
  return {
    name,
    about,
    missing: alwaysThere,
    async setUp(ingredients) {
      const { bench, set, python } = ingredients;
      const parts = await partsOf(ingredients);
      const prefix = join(await bench.newFolder(name, set.name, python.minor), 'env');
      await bareVenv(prefix, python);
      // Where two bring the same file the later one wins, as with pip.
      for (const part of partFolders(parts)) await must('cp', [mode, `${part}/.`, prefix]);
      return { ...venvPlace(name, prefix, python), shared: [parts.folder] };
    },
    further: copyWith(copyMode),
  };
}

export const hardLinks = farm(
  'hard links',
  'a venv whose files are hard links to one shared copy of each distribution',
  '-alf',
  '-al',
);

export const symlinks = farm(
  'symlinks',
  'a venv with real folders whose files are symbolic links to one shared copy of each distribution',
  '-asf',
  '-a',
);
