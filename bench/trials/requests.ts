import type { Place } from '../run/contender.js';
import { importAll, moduleList } from '../run/importing.js';
import { dropCaches, isRoot } from '../run/machine.js';
import { downloadedSet } from '../run/wheel-set.js';
import type { Session, Trial } from './trial.js';

export const requests: Trial = {
  name: 'requests',
  title: 'Requests of one import',
  about:
    'What the kernel asks of the daemon, by opcode, for one process that imports the set: with caches dropped, again while warm, and in a second environment of the same distributions.',
  charts: [{ name: 'opcodes', title: 'FUSE requests of one import', kind: 'value', cases: /, all$/ }],
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

/** FORGET and INTERRUPT come when the kernel likes, and asking for the status is itself no request. */
const leftOut = new Set(['FORGET', 'BATCH_FORGET', 'INTERRUPT', 'INIT', 'DESTROY']);

async function count({ bench }: Session, place: Place, label: string, list: string): Promise<void> {
  const before = await place.requests!();
  await importAll(place, list);
  const after = await place.requests!();
  let all = 0;
  for (const [opcode, now] of Object.entries(after)) {
    const sent = now - (before[opcode] ?? 0);
    if (leftOut.has(opcode.toUpperCase()) || sent === 0) continue;
    bench.record('requests', `${label}, ${opcode}`, place.contender, 'count', [sent]);
    all += sent;
  }
  bench.record('requests', `${label}, all`, place.contender, 'count', [all]);
}
