import { plainVariables, wallMs } from '../run/commands.js';
import { takeTurns } from '../run/turns.js';
import { recordPlaces, type Trial } from './trial.js';

const program = 'import requests, sqlalchemy, jinja2';

export const interpreters: Trial = {
  name: 'interpreters',
  title: 'Many interpreters at once',
  about: `Processes that are started together and each run \`${program}\`: until the last has ended, warm.`,
  charts: [
    { name: 'lines', title: 'Interpreters at once', kind: 'lines', cases: /at once/, over: 'interpreters' },
  ],
  async run(session) {
    const { bench, shelf } = session;
    const places = await shelf.places(await session.mainSet());
    const rounds = bench.settings.slowRounds;
    for (const count of bench.settings.isQuick ? [1, 4] : [1, 2, 4, 8, 16, 32, 64]) {
      const samples = await takeTurns(
        bench,
        places,
        rounds,
        async ({ python }) => {
          const start = performance.now();
          const one = () => wallMs(python, ['-B', '-c', program], { env: plainVariables() });
          await Promise.all(Array.from({ length: count }, one));
          return performance.now() - start;
        },
        1,
      );
      recordPlaces(bench, 'interpreters', `${count} at once`, 'ms', samples);
    }
  },
};
