import { type ClientTrial, eachCall, type ListedPlace, listPlace, passes } from '../run/client.js';
import { dropCaches } from '../run/machine.js';
import type { CacheState } from '../run/turns.js';
import { cacheStates, takeTurnsIn } from '../run/turns.js';
import { pairFirstListed, type Session, type Trial } from './trial.js';

const kinds: readonly { name: string; call: ClientTrial }[] = [
  { name: 'hit', call: 'stat' },
  { name: 'miss', call: 'missing' },
];

/** Passes of one process; warm ones follow a pass that fills the caches. */
const warmPasses = 6;

export const stat: Trial = {
  name: 'stat',
  title: 'stat of a file',
  about:
    '`stat(2)` of every file and folder below site-packages (hit) and of a name that is missing in every folder (miss), in the order of the listing, per call. "Each call" times every call alone: median and 99th percentile.',
  charts: [
    { name: 'mean', title: 'stat: mean of a pass', kind: 'ratio', cases: /^(hit|miss), (warm|dropped)$/ },
    { name: 'calls', title: 'stat: median of single calls', kind: 'value', cases: /each call/ },
  ],
  cost: { once: 115, rounds: 200 },
  async run(session) {
    const { bench, shelf } = session;
    const places = await shelf.places(await session.mainSet());
    const listed = await Promise.all(places.map((place) => listPlace(session, place, 'main')));
    for (const state of cacheStates(bench, 'stat')) {
      for (const kind of kinds) {
        await measurePasses(session, listed, state, kind);
        await measureCalls(session, listed, state, kind);
      }
    }
  },
};

async function measurePasses(
  { bench, client }: Session,
  listed: readonly ListedPlace[],
  state: CacheState,
  { name, call }: (typeof kinds)[number],
): Promise<void> {
  const pass = async ({ list }: ListedPlace) =>
    state === 'warm'
      ? (await passes(client, call, list, warmPasses + 1)).slice(1)
      : passes(client, call, list, 1);
  const samples = await takeTurnsIn(bench, state, listed, pairFirstListed(bench), pass, 0);
  for (const [{ place }, all] of samples)
    bench.record('stat', `${name}, ${state}`, place.contender, 'us', all);
}

async function measureCalls(
  { bench, client }: Session,
  listed: readonly ListedPlace[],
  state: CacheState,
  { name, call }: (typeof kinds)[number],
): Promise<void> {
  for (const { place, list } of listed) {
    bench.checkRunning();
    if (state === 'dropped') await dropCaches();
    else await eachCall(client, call, list);
    const summary = await eachCall(client, call, list);
    bench.rows.push({
      trial: 'stat',
      case: `${name}, ${state}, each call`,
      contender: place.contender,
      unit: 'us',
      ...summary,
    });
  }
}
