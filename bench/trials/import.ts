import { interpreterOf, minors } from '../../test/support/interpreters.js';
import { siteOf } from '../contenders/venv.js';
import { ask } from '../run/commands.js';
import type { Place } from '../run/contender.js';
import {
  collectModules,
  type ImportOptions,
  importAll,
  loadedModules,
  moduleList,
} from '../run/importing.js';
import { cacheStates, takeTurnsIn } from '../run/turns.js';
import { downloadedSet } from '../run/wheel-set.js';
import { recordPlaces, type Session, type Trial } from './trial.js';

const largePackages =
  'numpy pandas scipy sklearn matplotlib sqlalchemy boto3 sphinx jupyterlab jedi babel'.split(' ');
const largeLimit = 3300;
const quickPackages = ['requests', 'flask', 'sqlalchemy', 'pygments'];
const quickLimit = 300;

/** Of other Pythons than the main one, only these are measured. */
const sidesOfAllPythons = ['venv', 'kernel', 'fuse-native'];

export const imports: Trial = {
  name: 'import',
  title: 'Importing',
  about:
    'A process that imports a list of modules, with bytecode beside the sources: small (requests), medium (pandas), large (more than 3,000 modules of ten packages). The main Python for every contender, the other ones for the venv and both engines; Python 2.7, whose import stats every candidate, with universal wheels on PYTHONPATH.',
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
  async run(session) {
    if (session.bench.settings.isQuick) {
      await ofMainPython(session, 'quick', quickPackages, quickLimit);
      return;
    }
    await ofMainPython(session, 'small', ['requests']);
    await ofMainPython(session, 'medium', ['pandas']);
    await ofMainPython(session, 'large', largePackages, largeLimit);
    await ofOtherPythons(session);
    await ofPython2(session);
  },
};

async function ofMainPython(
  session: Session,
  name: string,
  packages: string[],
  limit?: number,
): Promise<void> {
  const { bench, shelf } = session;
  const set = await downloadedSet(bench, name, bench.settings.python);
  const places = await shelf.places(set);
  const list =
    limit === undefined
      ? await moduleList(bench, name, packages)
      : await collectModules(bench, places[0]!, { name, packages, limit });
  await measure(session, name, places, list);
}

async function ofOtherPythons(session: Session): Promise<void> {
  const { bench, shelf } = session;
  for (const minor of minors) {
    const python = await interpreterOf(minor);
    if (!python) bench.skip(`import with Python ${minor}`, 'there is no such interpreter here');
    if (!python || minor === bench.settings.python.minor) continue;
    for (const [name, module] of [
      ['small', 'requests'],
      ['medium', 'pandas'],
    ] as const) {
      const set = await downloadedSet(bench, name, python);
      const places = await shelf.places(set, { python, only: sidesOfAllPythons });
      await measure(session, `${name}, Python ${minor}`, places, await moduleList(bench, name, [module]));
    }
  }
}

async function ofPython2(session: Session): Promise<void> {
  const { bench, shelf } = session;
  const program = 'python2.7';
  if (!(await ask(program, ['-c', 'pass']))) {
    bench.skip('import with Python 2.7', `there is no program ${program}`);
    return;
  }
  const { python } = bench.settings;
  const set = await downloadedSet(bench, 'universal', python);
  const places = (await shelf.places(set)).filter(({ contender }) => contender !== 'finder');
  const list = await moduleList(bench, 'universal', ['six', 'requests']);
  await measure(session, 'small, Python 2.7', places, list, (place) => ({
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
  list: string,
  optionsOf: (place: Place) => ImportOptions = () => ({}),
): Promise<void> {
  for (const place of places)
    bench.record('import', `${name}, modules loaded`, place.contender, 'count', [
      await loadedModules(place, list, optionsOf(place)),
    ]);
  for (const state of cacheStates(bench, 'import')) {
    const samples = await takeTurnsIn(bench, state, places, bench.settings.rounds, (place) =>
      importAll(place, list, optionsOf(place)),
    );
    recordPlaces(bench, 'import', `${name}, ${state}`, 'ms', samples);
  }
}
