import type { Bench } from '../run/bench.js';
import { plainVariables, wallMs } from '../run/commands.js';
import type { Place } from '../run/contender.js';
import { otherPythons } from '../run/pythons.js';
import { type CacheState, cacheStates, takeTurnsIn } from '../run/turns.js';
import { downloadedSet } from '../run/wheel-set.js';
import { pairFirst, recordPlaces, sidesOfAllPythons, type Trial } from './trial.js';

export const start: Trial = {
  name: 'start',
  title: 'Start of the interpreter',
  about:
    '`bin/python -c pass`, the whole process: in the environment with many distributions, and warm for the other Pythons in one with few.',
  charts: [
    { name: 'python', title: 'Start of the interpreter', kind: 'ratio', cases: /^(warm|dropped)$/ },
    { name: 'pythons', title: 'Start by version of Python', kind: 'ratio', cases: /Python/ },
  ],
  cost: { once: 65, rounds: 50 },
  async run(session) {
    const { bench, shelf } = session;
    const places = await shelf.places(await session.mainSet());
    for (const state of cacheStates(bench, 'start')) await measure(bench, state, state, places);
    if (bench.settings.isQuick) return;
    for (const python of await otherPythons(bench, 'start')) {
      await bench.attempt(`start of Python ${python.minor}`, async () => {
        const set = await downloadedSet(bench, 'small', python);
        const few = await shelf.places(set, { python, only: sidesOfAllPythons });
        await measure(bench, `Python ${python.minor}, warm`, 'warm', few);
      });
    }
  },
};

async function measure(
  bench: Bench,
  name: string,
  state: CacheState,
  places: readonly Place[],
): Promise<void> {
  const rounds = state === 'warm' ? bench.rounds * 3 : pairFirst(bench);
  const samples = await takeTurnsIn(bench, state, places, rounds, ({ python }) =>
    wallMs(python, ['-B', '-c', 'pass'], { env: plainVariables() }),
  );
  recordPlaces(bench, 'start', name, 'ms', samples);
}
