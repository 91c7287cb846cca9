import { homeOf } from '../contenders/shenv.js';
import { siteOf, venvPlace } from '../contenders/venv.js';
import { buildClient } from '../run/client.js';
import { must } from '../run/commands.js';
import type { Place } from '../run/contender.js';
import { mountDelayed } from '../run/delayed-folder.js';
import { occupied } from '../run/disk-usage.js';
import { importAll, moduleList } from '../run/importing.js';
import { dropCaches, isRoot } from '../run/machine.js';
import { leastCounts, requestsBetween } from '../run/requests-of.js';
import { generatedSet, type WheelSet } from '../run/wheel-set.js';
import type { Session, Trial } from './trial.js';

const sizes = [10, 30, 100];
const engines = ['kernel', 'fuse-native'];
/** The modules of the first distributions, which every size has. */
const imported = Array.from({ length: 10 }, (_, index) => `part${String(index).padStart(4, '0')}`).flatMap(
  (name) => [name, `${name}.one`, `${name}.two`],
);

export const counts: Trial = {
  name: 'counts',
  title: 'Counts',
  about: `What time does not change, so that it can be compared with the last result on a busy machine too: environments of ${sizes.join(', ')} generated distributions; one process imports ${imported.length} modules of ten of them. Requests by opcode with caches dropped, again, and in a second environment; requests for listing site-packages; what an environment occupies; operations that reach a store on a shared file system for mounting and for the import. Counted until two tries agree, at most four times; the least counts, because what disturbs only adds.`,
  charts: [
    {
      name: 'requests',
      title: 'Requests of one import by distributions there',
      kind: 'lines',
      cases: /, (dropped, all|listing, all|mount operations|import operations)$/,
      over: 'distributions',
    },
  ],
  cost: { once: 25, rounds: 0 },
  async run(session) {
    const { bench, shelf } = session;
    if (!isRoot) return bench.skip('counts', 'only root may drop the kernel caches');
    const list = await moduleList(bench, 'counts', imported);
    const delayfs = await buildClient(bench, 'delayfs');
    for (const size of sizes) {
      const set = await generatedSet(bench, size);
      for (const place of await shelf.places(set, { only: engines })) {
        await countRequests(session, { place, set, size, list });
        await countSpace(session, place, size);
      }
      if (shelf.isChosen('kernel')) await countOperations(session, { set, size, list, delayfs });
    }
    for (const contender of engines.filter((name) => shelf.isChosen(name)))
      for (const figure of [
        'dropped, all',
        'second environment, all',
        'mount operations',
        'import operations',
      ])
        bench.recordGrowthOf({ trial: 'counts', figure, contender, over: 'distributions', unit: 'count' });
  },
};

interface Counted {
  place: Place;
  set: WheelSet;
  size: number;
  list: string;
}

async function countRequests(session: Session, { place, set, size, list }: Counted): Promise<void> {
  const { bench, shelf } = session;
  const further = (await shelf.further(place, set, 0))!;
  // So that both are composed, and the interpreter's own files are where they are.
  for (const one of [place, further]) await importAll(one, list);
  const least = await leastCounts(async () => {
    bench.checkRunning();
    const all = new Map<string, number>();
    const count = async (label: string, of: Place, work: () => Promise<unknown>) => {
      const before = await of.requests!();
      await work();
      for (const [opcode, sent] of requestsBetween(before, await of.requests!()))
        all.set(`${label}, ${opcode}`, sent);
    };
    await dropCaches();
    await count('dropped', place, () => importAll(place, list));
    await count('again', place, () => importAll(place, list));
    await count('second environment', further, () => importAll(further, list));
    await dropCaches();
    await count('listing', place, () => must('ls', ['-f', siteOf(place.prefix, bench.settings.python)]));
    return all;
  });
  for (const [name, sent] of least)
    bench.record('counts', `${size} distributions, ${name}`, place.contender, 'count', [sent]);
}

async function countSpace({ bench }: Session, place: Place, size: number): Promise<void> {
  const record = (name: string, unit: 'bytes' | 'count', value: number) =>
    bench.record('counts', `${size} distributions, ${name}`, place.contender, unit, [value]);
  const own = await occupied(place.own);
  record('own bytes', 'bytes', own.bytes);
  record('own inodes', 'count', own.inodes);
  record('shared inodes', 'count', (await occupied(place.shared)).inodes);
}

async function countOperations(
  { bench, shelf }: Session,
  { set, size, list, delayfs }: Omit<Counted, 'place'> & { delayfs: string },
): Promise<void> {
  const { python } = bench.settings;
  const sandbox = await homeOf({ bench, shelf, set, python });
  const folder = sandbox.path('home', 'store');
  let tries = 0;
  const least = await leastCounts(async () => {
    bench.checkRunning();
    tries += 1;
    await dropCaches();
    const name = `counts-${size}-${tries}`;
    const shared = await mountDelayed(bench, delayfs, folder, { name, delayUs: 0 });
    sandbox.variables.SHENV_STORE = shared.mountpoint;
    const mountpoint = await sandbox.mount('kernel', 'mnt-counts', '--env', set.name).finally(() => {
      delete sandbox.variables.SHENV_STORE;
    });
    const place = venvPlace('kernel', mountpoint, python);
    const mounting = await shared.operations();
    await importAll(place, list);
    const importing = await shared.operations();
    await importAll(place, list);
    const again = await shared.operations();
    await sandbox.expect('unmount', mountpoint);
    await shared.unmount();
    return new Map([
      ['mount operations', mounting],
      ['import operations', importing - mounting],
      ['second import operations', again - importing],
    ]);
  });
  for (const [name, value] of least)
    bench.record('counts', `${size} distributions, ${name}`, 'kernel', 'count', [value]);
}
