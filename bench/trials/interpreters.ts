import type { Bench } from '../run/bench.js';
import { plainVariables, wallMs } from '../run/commands.js';
import type { Place } from '../run/contender.js';
import { takeTurns } from '../run/turns.js';
import { pairFirst, recordPlaces, sidesOfAllPythons, type Trial } from './trial.js';

const program = 'import requests';
const counts = [1, 2, 4, 8, 16, 32, 64];
/** Of what the machine does one after another anyway, the other contenders are measured at these alone. */
const fewCounts = [1, 8, 64];

export const interpreters: Trial = {
  name: 'interpreters',
  title: 'Many interpreters at once',
  about: `Processes that are started together and each run \`${program}\`: until the last has ended, warm. The venv and both engines at every number, the others at ${fewCounts.join(', ')}.`,
  charts: [
    { name: 'lines', title: 'Interpreters at once', kind: 'lines', cases: /at once/, over: 'interpreters' },
  ],
  cost: { once: 40, rounds: 90 },
  async run(session) {
    const { bench, shelf } = session;
    const places = await shelf.places(await session.mainSet());
    await takeTurns(bench, places, 1, (place) => together(place, 1));
    for (const count of bench.settings.isQuick ? [1, 4] : counts) {
      const taking = places.filter(
        ({ contender }) =>
          bench.settings.isQuick || fewCounts.includes(count) || sidesOfAllPythons.includes(contender),
      );
      const samples = await takeTurns(bench, taking, roundsAt(bench, count), (place) =>
        together(place, count),
      );
      recordPlaces(bench, 'interpreters', `${count} at once`, 'ms', samples);
    }
  },
};

/** The most at once have a target, and take long. */
function roundsAt(bench: Bench, count: number): (place: Place) => number {
  const isMost = count === counts.at(-1);
  return (place) => {
    if (isMost && !sidesOfAllPythons.includes(place.contender)) return 1;
    return isMost ? pairFirst(bench)(place, 0) : bench.slowRounds;
  };
}

/** Wall ms of so many processes. */
async function together({ python }: Place, count: number): Promise<number> {
  const start = performance.now();
  const one = () => wallMs(python, ['-B', '-c', program], { env: plainVariables() });
  await Promise.all(Array.from({ length: count }, one));
  return performance.now() - start;
}
