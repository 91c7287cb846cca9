import type { Place } from '../run/contender.js';
import { importAll, moduleList } from '../run/importing.js';
import { dropCaches, isRoot } from '../run/machine.js';
import { requestsBetween } from '../run/requests-of.js';
import { downloadedSet } from '../run/wheel-set.js';
import type { Session, Trial } from './trial.js';

export const requests: Trial = {
  name: 'requests',
  title: 'Requests of one import',
  about:
    'What the kernel asks of the daemon, by opcode, for one process that imports the set: with caches dropped, again while warm, and in a second environment of the same distributions.',
  charts: [{ name: 'opcodes', title: 'FUSE requests of one import', kind: 'value', cases: /, all$/ }],
  cost: { once: 15, rounds: 0 },
  async run(session) {
    const { bench, shelf } = session;
    if (!isRoot) return bench.skip('requests', 'only root may drop the kernel caches');
    const [name, module] = bench.settings.isQuick ? ['quick', 'flask'] : ['medium', 'pandas'];
    const set = await downloadedSet(bench, name!, bench.settings.python);
    const list = await moduleList(bench, `requests-${name}`, [module!]);
    for (const place of await shelf.places(set, { only: ['kernel', 'fuse-native'] })) {
      const second = (await shelf.further(place, set, 0))!;
      await importAll(place, list);
      await importAll(second, list);
      await dropCaches();
      await count(session, place, 'caches dropped', list);
      await count(session, place, 'warm', list);
      await count(session, second, 'second environment', list);
    }
  },
};

async function count({ bench }: Session, place: Place, label: string, list: string): Promise<void> {
  const before = await place.requests!();
  await importAll(place, list);
  for (const [opcode, sent] of requestsBetween(before, await place.requests!()))
    bench.record('requests', `${label}, ${opcode}`, place.contender, 'count', [sent]);
}
