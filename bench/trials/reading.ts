import { listPlace, passes } from '../run/client.js';
import { cacheStates, takeTurnsIn } from '../run/turns.js';
import { pairFirstListed, type Trial } from './trial.js';

export const reading: Trial = {
  name: 'reading',
  title: 'Open, read, close',
  about: 'open, read to the end and close of every .py file below site-packages, per file.',
  charts: [{ name: 'sources', title: 'Open, read and close every source', kind: 'ratio', cases: /./ }],
  cost: { once: 0, rounds: 120 },
  async run(session) {
    const { bench, shelf, client } = session;
    const places = await shelf.places(await session.mainSet());
    const listed = await Promise.all(places.map((place) => listPlace(session, place, 'main')));
    for (const state of cacheStates(bench, 'reading')) {
      const samples = await takeTurnsIn(bench, state, listed, pairFirstListed(bench), ({ list }) =>
        passes(client, 'read', list, 1),
      );
      for (const [{ place }, all] of samples)
        bench.record('reading', `sources, ${state}`, place.contender, 'us', all);
    }
  },
};
