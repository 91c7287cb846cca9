import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ListedPlace, listPlace, passes } from '../run/client.js';
import { cacheStates, takeTurnsIn } from '../run/turns.js';
import { directoriesSet, directorySizes } from '../run/wheel-set.js';
import type { Session, Trial } from './trial.js';

const warmPasses = 12;
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
  async run(session) {
    const { shelf } = session;
    const whole = await shelf.places(await session.mainSet());
    const listed = await Promise.all(whole.map((place) => listPlace(session, place, 'main')));
    await measure(session, 'whole environment', listed);
    const places = await shelf.places(await directoriesSet(session.bench));
    for (const { entries } of directorySizes) {
      const sized = await Promise.all(places.map((place) => listSized(session, place, entries)));
      await measure(session, `${entries.toLocaleString('en-US')} entries`, sized);
    }
  },
};

/** The folders with so many files alone: without the folder that holds them. */
async function listSized(
  session: Session,
  place: ListedPlace['place'],
  entries: number,
): Promise<ListedPlace> {
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
      const samples = await takeTurnsIn(bench, state, listed, bench.settings.rounds, async ({ list }) =>
        state === 'warm'
          ? (await passes(client, call, list, warmPasses + 1)).slice(1)
          : passes(client, call, list, 1),
      );
      for (const [{ place }, all] of samples)
        bench.record('listing', `${name}, ${call}, ${state}`, place.contender, 'us', all);
    }
  }
}
