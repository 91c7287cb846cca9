import { buildClient } from '../run/client.js';
import { must } from '../run/commands.js';
import type { Place } from '../run/contender.js';
import { importAll, moduleList } from '../run/importing.js';
import { dropCaches, isRoot } from '../run/machine.js';
import { downloadedSet, type WheelSet } from '../run/wheel-set.js';
import type { Session, Trial } from './trial.js';

export const pageCache: Trial = {
  name: 'page-cache',
  title: 'Page cache of ten environments',
  about:
    'How much of their files the kernel keeps after an import in one environment, and in each of ten of the same distributions: resident pages by mincore(2) of everything that the environments and what they share consist of, each file once, after the caches were dropped. What a daemon or a mounted image reads from its store is cached there too and counts.',
  charts: [{ name: 'memory', title: 'Page cache after imports', kind: 'value', cases: /./ }],
  cost: { once: 130, rounds: 0 },
  async run(session) {
    const { bench, shelf } = session;
    if (!isRoot) return bench.skip('page-cache', 'only root may drop the kernel caches');
    const [name, module, count] = bench.settings.isQuick
      ? (['quick', 'flask', 3] as const)
      : (['medium', 'pandas', 10] as const);
    const set = await downloadedSet(bench, name, bench.settings.python);
    const list = await moduleList(bench, `page-cache-${name}`, [module]);
    const client = await buildClient(bench, 'cached');
    for (const place of await shelf.places(set)) {
      const all = await environmentsOf(session, place, set, count);
      if (all.length < count) continue;
      const record = async (label: string) =>
        bench.record('page-cache', label, place.contender, 'bytes', [await cachedBytes(client, all)]);
      await dropCaches();
      await importAll(place, list);
      await record('1 environment');
      for (const further of all.slice(1)) await importAll(further, list);
      await record(`${count} environments`);
    }
  },
};

async function environmentsOf(
  { bench, shelf }: Session,
  place: Place,
  set: WheelSet,
  count: number,
): Promise<Place[]> {
  const all = [place];
  await bench.attempt(`page-cache of ${place.contender}`, async () => {
    for (let index = 1; index < count; index += 1) {
      const further = await shelf.further(place, set, 100 + index);
      if (!further) throw new Error('a further environment was not tried');
      all.push(further);
    }
  });
  return all;
}

/** Of all environments together: what is shared counts once. */
async function cachedBytes(client: string, places: readonly Place[]): Promise<number> {
  const foldersOf = ({ pagesIn, prefix, sites, own, shared }: Place) =>
    pagesIn ?? [prefix, ...sites, ...own, ...shared];
  const roots = new Set(places.flatMap(foldersOf));
  return Number(await must(client, [...roots]));
}
