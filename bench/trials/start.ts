import { plainVariables, wallMs } from '../run/commands.js';
import type { Place } from '../run/contender.js';
import { otherPythons } from '../run/pythons.js';
import { cacheStates, takeTurnsIn } from '../run/turns.js';
import { downloadedSet } from '../run/wheel-set.js';
import { recordPlaces, type Session, sidesOfAllPythons, type Trial } from './trial.js';

export const start: Trial = {
  name: 'start',
  title: 'Start of the interpreter',
  about:
    '`bin/python -c pass`, the whole process: in the environment with many distributions, and for the other Pythons in one with few.',
  charts: [
    { name: 'python', title: 'Start of the interpreter', kind: 'ratio', cases: /^(warm|dropped)$/ },
    { name: 'pythons', title: 'Start by version of Python', kind: 'ratio', cases: /Python/ },
  ],
  cost: { once: 40, rounds: 80 },
  async run(session) {
    const { bench, shelf } = session;
    await measure(session, '', await shelf.places(await session.mainSet()));
    if (bench.settings.isQuick) return;
    for (const python of await otherPythons(bench, 'start')) {
      await bench.attempt(`start of Python ${python.minor}`, async () => {
        const set = await downloadedSet(bench, 'small', python);
        const places = await shelf.places(set, { python, only: sidesOfAllPythons });
        await measure(session, `Python ${python.minor}, `, places);
      });
    }
  },
};

async function measure({ bench }: Session, label: string, places: readonly Place[]): Promise<void> {
  for (const state of cacheStates(bench, 'start')) {
    const rounds = state === 'warm' ? bench.rounds * 3 : bench.rounds;
    const samples = await takeTurnsIn(bench, state, places, rounds, ({ python }) =>
      wallMs(python, ['-B', '-c', 'pass'], { env: plainVariables() }),
    );
    recordPlaces(bench, 'start', `${label}${state}`, 'ms', samples);
  }
}
