import type { Place } from '../run/contender.js';
import { importAll, moduleList } from '../run/importing.js';
import { dropCaches, isRoot, pageCacheBytes } from '../run/machine.js';
import { downloadedSet } from '../run/wheel-set.js';
import type { Trial } from './trial.js';

export const pageCache: Trial = {
  name: 'page-cache',
  title: 'Page cache of ten environments',
  about:
    'How much the kernel keeps of files after an import in one environment, and in ten of the same distributions: growth of Cached in /proc/meminfo after the caches were dropped. What a daemon reads from its store is cached there too and counts.',
  charts: [{ name: 'memory', title: 'Page cache after imports', kind: 'ratio', cases: /./ }],
  async run({ bench, shelf }) {
    if (!isRoot) return bench.skip('page-cache', 'only root may drop the kernel caches');
    const [name, module, count] = bench.settings.isQuick
      ? (['quick', 'flask', 3] as const)
      : (['medium', 'pandas', 10] as const);
    const set = await downloadedSet(bench, name, bench.settings.python);
    const list = await moduleList(bench, `page-cache-${name}`, [module]);
    for (const place of await shelf.places(set)) {
      const all: Place[] = [place];
      for (let index = 1; index < count; index += 1) {
        const further = await shelf.further(place, set, 100 + index);
        if (further) all.push(further);
      }
      if (all.length < count) {
        bench.skip(`page-cache of ${place.contender}`, 'a further environment was not tried');
        continue;
      }
      await dropCaches();
      const before = await pageCacheBytes();
      await importAll(place, list);
      bench.record('page-cache', '1 environment', place.contender, 'bytes', [
        Math.max(1, (await pageCacheBytes()) - before),
      ]);
      for (const further of all.slice(1)) await importAll(further, list);
      bench.record('page-cache', `${count} environments`, place.contender, 'bytes', [
        Math.max(1, (await pageCacheBytes()) - before),
      ]);
    }
  },
};
