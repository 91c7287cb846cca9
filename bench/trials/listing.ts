import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ListedPlace, listPlace, passes } from '../run/client.js';
import type { Place } from '../run/contender.js';
import { type CacheState, cacheStates, takeTurnsIn } from '../run/turns.js';
import { directoriesSet, directorySizes } from '../run/wheel-set.js';
import { pairFirst, pairFirstListed, type Session, type Trial } from './trial.js';

const warmPasses = 6;
const calls = ['listdir', 'scandir'] as const;

export const listing: Trial = {
  name: 'listing',
  title: 'Listing of a folder',
  about:
    '`listdir` is opendir, readdir to the end, closedir; `scandir` also stats each entry, as a walk does. Per folder: of the whole environment, and of folders with 1, 10, 400 and 10,000 files.',
  charts: [
    { name: 'whole', title: 'Listing of every folder of an environment', kind: 'ratio', cases: /^whole/ },
    {
      name: 'warm',
      title: 'Listing by size of the folder, warm',
      kind: 'ratio',
      cases: /^[\d,]+ entries.*warm$/,
    },
    {
      name: 'dropped',
      title: 'Listing by size of the folder, caches dropped',
      kind: 'ratio',
      cases: /^[\d,]+ entries.*dropped$/,
    },
  ],
  cost: { once: 35, rounds: 260 },
  async run(session) {
    const { shelf } = session;
    const whole = await shelf.places(await session.mainSet());
    const listed = await Promise.all(whole.map((place) => listPlace(session, place, 'main')));
    await measure(session, 'whole environment', listed);
    const places = await shelf.places(await directoriesSet(session.bench));
    const sized = await Promise.all(places.map((place) => listSizes(session, place)));
    for (const state of cacheStates(session.bench, 'listing'))
      for (const call of calls) await measureSizes(session, sized, state, call);
  },
};

interface SizedPlace {
  contender: string;
  /** A list for each of `directorySizes`. */
  lists: string[];
}

async function listSizes(session: Session, place: Place): Promise<SizedPlace> {
  const lists: string[] = [];
  for (const { entries } of directorySizes) lists.push((await listSized(session, place, entries)).list);
  return { contender: place.contender, lists };
}

/** One drop of the caches serves every size: the folders share nothing but the one that holds them. */
async function measureSizes(
  { bench, client }: Session,
  sized: readonly SizedPlace[],
  state: CacheState,
  call: (typeof calls)[number],
): Promise<void> {
  const all = new Map(sized.map((side) => [side, side.lists.map((): number[] => [])]));
  const measureSide = async (side: SizedPlace) => {
    for (const [index, list] of side.lists.entries())
      all.get(side)![index]!.push(...(await passesIn(state, client, call, list)));
    return [];
  };
  await takeTurnsIn(bench, state, sized, pairFirst(bench), measureSide, 0);
  for (const [index, { entries }] of directorySizes.entries())
    for (const [{ contender }, samples] of all)
      bench.record(
        'listing',
        `${entries.toLocaleString('en-US')} entries, ${call}, ${state}`,
        contender,
        'us',
        samples[index]!,
      );
}

/** In the state `warm` a first pass fills the caches. */
async function passesIn(
  state: CacheState,
  client: string,
  call: (typeof calls)[number],
  list: string,
): Promise<number[]> {
  return state === 'warm'
    ? (await passes(client, call, list, warmPasses + 1)).slice(1)
    : passes(client, call, list, 1);
}

/** The folders with so many files alone: without the folder that holds them. */
async function listSized(session: Session, place: Place, entries: number): Promise<ListedPlace> {
  const roots = place.sites.map((site) => join(site, 'sized', String(entries)));
  const listed = await listPlace(session, place, `sized-${entries}`, roots);
  const lines = (await readFile(listed.list, 'utf8')).split('\n');
  const folders = lines.filter((line) => line.startsWith('d ') && !roots.includes(line.slice(2)));
  await writeFile(listed.list, `${folders.join('\n')}\n`);
  return listed;
}

async function measure(
  { bench, client }: Session,
  name: string,
  listed: readonly ListedPlace[],
): Promise<void> {
  for (const state of cacheStates(bench, 'listing')) {
    for (const call of calls) {
      const pass = ({ list }: ListedPlace) => passesIn(state, client, call, list);
      const samples = await takeTurnsIn(bench, state, listed, pairFirstListed(bench), pass, 0);
      for (const [{ place }, all] of samples)
        bench.record('listing', `${name}, ${call}, ${state}`, place.contender, 'us', all);
    }
  }
}
