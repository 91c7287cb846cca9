import { minors } from '../../test/support/interpreters.js';
import { siteOf } from '../contenders/venv.js';
import type { Bench } from '../run/bench.js';
import type { Place } from '../run/contender.js';
import {
  collectModules,
  type ImportOptions,
  importAll,
  loadedModules,
  moduleList,
} from '../run/importing.js';
import { findPython2, otherPythons, wantsPython } from '../run/pythons.js';
import { cacheStates, takeTurnsIn } from '../run/turns.js';
import { downloadedSet } from '../run/wheel-set.js';
import { pairFirst, recordPlaces, type Session, sidesOfAllPythons, type Trial } from './trial.js';

export const largePackages =
  'numpy pandas scipy sklearn matplotlib sqlalchemy boto3 sphinx jupyterlab jedi babel'.split(' ');
export const largeLimit = 3300;
/** The one beside the main Python with which the medium set is imported too. */
const mediumPython = minors.at(-1)!;
/** With Python 2.7: one of each kind of approach. */
const sidesOfPython2 = ['venv', 'kernel', 'fuse-native', 'symlinks', 'pth', 'overlayfs', 'squashfs'];
const quickPackages = ['requests', 'flask', 'sqlalchemy', 'pygments'];
const quickLimit = 300;

export const imports: Trial = {
  name: 'import',
  title: 'Importing',
  about:
    'A process that imports a list of modules, with bytecode beside the sources: small (requests), medium (pandas), large (more than 3,000 modules of ten packages). The main Python for every contender; the other ones from 3.8 to 3.13 for the venv and both engines, small with each, medium with the newest; Python 2.7, whose import stats every candidate, with universal wheels on PYTHONPATH.',
  charts: [
    { name: 'warm', title: 'Import, warm', kind: 'ratio', cases: /^(quick|small|medium|large), warm$/ },
    {
      name: 'dropped',
      title: 'Import, caches dropped',
      kind: 'ratio',
      cases: /^(quick|small|medium|large), dropped$/,
    },
    { name: 'pythons', title: 'Import by version of Python', kind: 'ratio', cases: /Python/ },
  ],
  cost: { once: 170, rounds: 500 },
  async run(session) {
    if (session.bench.settings.isQuick) {
      await ofMainPython(session, quick);
      return;
    }
    const { bench } = session;
    for (const imported of wantedSets(bench))
      await bench.attempt(`import of ${imported.name}`, () => ofMainPython(session, imported));
    await ofOtherPythons(session);
    await bench.attempt('import with Python 2.7', () => ofPython2(session));
  },
};

interface ImportedSet {
  name: string;
  packages: string[];
  /** Import everything in the packages until so many modules are loaded; without it, the packages alone. */
  limit?: number;
}

const small: ImportedSet = { name: 'small', packages: ['requests'] };
const medium: ImportedSet = { name: 'medium', packages: ['pandas'] };
const large: ImportedSet = { name: 'large', packages: largePackages, limit: largeLimit };
const quick: ImportedSet = { name: 'quick', packages: quickPackages, limit: quickLimit };

function wantedSets(bench: Bench): ImportedSet[] {
  const { sets } = bench.settings;
  return [small, medium, large].filter(({ name }) => {
    const isWanted = sets?.includes(name) ?? true;
    if (!isWanted) bench.skip(`import of the set ${name}`, 'not among --sets');
    return isWanted;
  });
}

async function ofMainPython(session: Session, imported: ImportedSet): Promise<void> {
  const { bench, shelf } = session;
  const set = await downloadedSet(bench, imported.name, bench.settings.python);
  await measure(session, imported.name, await shelf.places(set), imported);
}

async function ofOtherPythons(session: Session): Promise<void> {
  const { bench, shelf } = session;
  for (const python of await otherPythons(bench, 'import')) {
    for (const imported of wantedSets(bench).filter((one) => isOfPython(one, python.minor))) {
      const name = `${imported.name}, Python ${python.minor}`;
      await bench.attempt(`import of ${name}`, async () => {
        const set = await downloadedSet(bench, imported.name, python);
        const places = await shelf.places(set, { python, only: sidesOfAllPythons });
        await measure(session, name, places, imported);
      });
    }
  }
}

/** Large sets are no part of it: what differs between Pythons is how they look for a module, not how many there are. */
function isOfPython({ name }: ImportedSet, minor: string): boolean {
  return name === 'small' || (name === 'medium' && minor === mediumPython);
}

async function ofPython2(session: Session): Promise<void> {
  const { bench, shelf } = session;
  if (!wantsPython(bench, '2.7')) return bench.skip('import with Python 2.7', 'not among --pythons');
  const program = await findPython2();
  if (!program) return bench.skip('import with Python 2.7', 'there is no such interpreter here');
  const { python } = bench.settings;
  const set = await downloadedSet(bench, 'universal', python);
  const places = await shelf.places(set, { only: sidesOfPython2 });
  const imported = { name: 'universal', packages: ['six', 'requests'] };
  await measure(session, 'small, Python 2.7', places, imported, (place) => ({
    python: program,
    variables: {
      PYTHONPATH: (place.contender === 'pth' ? place.sites : [siteOf(place.prefix, python)]).join(':'),
    },
  }));
}

async function measure(
  { bench }: Session,
  name: string,
  places: readonly Place[],
  imported: ImportedSet,
  optionsOf: (place: Place) => ImportOptions = () => ({}),
): Promise<void> {
  const { packages, limit } = imported;
  const list =
    limit === undefined
      ? await moduleList(bench, name, packages)
      : await collectModules(bench, places[0]!, { name, packages, limit });
  for (const place of places)
    bench.record('import', `${name}, modules loaded`, place.contender, 'count', [
      await loadedModules(place, list, optionsOf(place)),
    ]);
  for (const state of cacheStates(bench, 'import')) {
    const importPlace = (place: Place) => importAll(place, list, optionsOf(place));
    // What counted the modules has filled the caches.
    const samples = await takeTurnsIn(bench, state, places, pairFirst(bench), importPlace, 0);
    recordPlaces(bench, 'import', `${name}, ${state}`, 'ms', samples);
  }
}
