import { plainVariables, wallMs } from '../run/commands.js';
import { cacheStates, takeTurnsIn } from '../run/turns.js';
import { recordPlaces, type Trial } from './trial.js';

export const start: Trial = {
  name: 'start',
  title: 'Start of the interpreter',
  about: '`bin/python -c pass`, the whole process.',
  charts: [{ name: 'python', title: 'Start of the interpreter', kind: 'ratio', cases: /./ }],
  async run(session) {
    const { bench, shelf } = session;
    const places = await shelf.places(await session.mainSet());
    for (const state of cacheStates(bench, 'start')) {
      const rounds = state === 'warm' ? bench.settings.rounds * 3 : bench.settings.rounds;
      const samples = await takeTurnsIn(bench, state, places, rounds, ({ python }) =>
        wallMs(python, ['-B', '-c', 'pass'], { env: plainVariables() }),
      );
      recordPlaces(bench, 'start', state, 'ms', samples);
    }
  },
};
