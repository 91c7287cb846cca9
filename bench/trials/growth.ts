import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { program } from '../../test/support/sandbox.js';
import { homeOf } from '../contenders/shenv.js';
import { listPlace, passes } from '../run/client.js';
import { wallMs } from '../run/commands.js';
import type { Place } from '../run/contender.js';
import { generatedSet, type WheelSet } from '../run/wheel-set.js';
import type { Session, Trial } from './trial.js';

const sides = ['venv', 'kernel', 'fuse-native'];
/** Many, because a pass over few distributions takes some 20 us. */
const warmPasses = 60;

export const growth: Trial = {
  name: 'growth',
  title: 'Growth with the number of distributions',
  about:
    'Environments of 10 to 1,000 generated distributions of one package each (into the venv they are unpacked and compiled, which is what pip does without resolving): creating one from a lock, mounting it alone, listing its site-packages, stat of a file (warm). The exponent of the growth is 0 where the number does not matter and 1 where the cost is in proportion; the listing of a folder cannot be below 1.',
  charts: [
    {
      name: 'create',
      title: 'Creating and mounting by distributions',
      kind: 'lines',
      cases: /(create|mount)$/,
      over: 'distributions',
    },
    {
      name: 'lookup',
      title: 'stat and listing of site-packages by distributions',
      kind: 'lines',
      cases: /(stat|listdir)$/,
      over: 'distributions',
    },
  ],
  cost: { once: 60, rounds: 20 },
  async run(session) {
    const { bench, shelf } = session;
    for (const count of bench.settings.isQuick ? [10, 100] : [10, 30, 100, 1000]) {
      const set = await generatedSet(bench, count);
      for (const place of await shelf.places(set, { only: sides })) await lookups(session, place, count);
      if (shelf.isChosen('kernel'))
        await bench.attempt(`growth of creating with ${count}`, () => creating(session, set, count));
    }
    for (const contender of sides.filter((name) => shelf.isChosen(name)))
      for (const figure of ['stat', 'listdir'])
        bench.recordGrowthOf({ trial: 'growth', figure, contender, over: 'distributions', unit: 'us' });
    if (!shelf.isChosen('kernel')) return;
    for (const figure of ['create', 'mount'])
      bench.recordGrowthOf({
        trial: 'growth',
        figure,
        contender: 'kernel',
        over: 'distributions',
        unit: 'ms',
      });
  },
};

async function lookups(session: Session, place: Place, count: number): Promise<void> {
  const { bench, client } = session;
  const record = (name: string, samples: readonly number[]) =>
    bench.record('growth', `${count} distributions, ${name}`, place.contender, 'us', samples);
  const { list } = await listPlace(session, place, `growth-${count}`);
  const site = join(bench.folder, 'lists', `growth-site-${place.contender}`);
  await writeFile(site, `d ${place.sites[0]}\n`);
  record('stat', (await passes(client, 'stat', list, warmPasses + 1)).slice(1));
  record('listdir', (await passes(client, 'listdir', site, warmPasses + 1)).slice(1));
}

async function creating({ bench, shelf }: Session, set: WheelSet, count: number): Promise<void> {
  const { python } = bench.settings;
  const sandbox = await homeOf({ bench, shelf, set, python });
  const times = { create: [] as number[], mount: [] as number[] };
  for (let round = -1; round < bench.slowRounds; round += 1) {
    bench.checkRunning();
    const name = `again-${round + 1}`;
    const create = [
      program,
      'create',
      name,
      '--python',
      python.baseExecutable,
      '--without-pip',
      '-r',
      set.lock!,
    ];
    const createMs = await wallMs(process.execPath, create, { env: sandbox.variables });
    const start = performance.now();
    const mountpoint = await sandbox.mount('kernel', `mnt-${name}`, '--env', name);
    const mountMs = performance.now() - start;
    await sandbox.expect('unmount', mountpoint);
    await sandbox.expect('delete', name);
    if (round < 0) continue; // the first makes the plan of the lock
    times.create.push(createMs);
    times.mount.push(mountMs);
  }
  for (const figure of ['create', 'mount'] as const)
    bench.record('growth', `${count} distributions, ${figure}`, 'kernel', 'ms', times[figure]);
}
