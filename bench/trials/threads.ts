import { join } from 'node:path';
import { homeOf } from '../contenders/shenv.js';
import { siteOf, venvPlace } from '../contenders/venv.js';
import { listPlace } from '../run/client.js';
import { wallMs } from '../run/commands.js';
import { dropCaches, isRoot } from '../run/machine.js';
import type { Trial } from './trial.js';

const clients = 4;
const threadCounts = [1, 2, 4, 8];

export const threads: Trial = {
  name: 'threads',
  title: 'Threads of the kernel engine',
  about: `${clients} clients at once list and stat the whole environment with caches dropped, for 1, 2, 4 and 8 threads: what the engine's default is chosen by.`,
  charts: [{ name: 'count', title: 'Walk of four clients by threads', kind: 'value', cases: /./ }],
  cost: { once: 5, rounds: 30 },
  async run(session) {
    const { bench, shelf, client } = session;
    if (bench.settings.isQuick) return bench.skip('threads', 'not part of --quick');
    if (!isRoot) return bench.skip('threads', 'only root may drop the kernel caches');
    if (!shelf.isChosen('kernel')) return;
    const { python } = bench.settings;
    const set = await session.mainSet();
    const sandbox = await homeOf({ bench, shelf, set, python });
    for (const count of threadCounts) {
      const mountpoint = await sandbox.mount('kernel', `mnt-threads-${count}`, '--threads', String(count));
      const prefix = join(mountpoint, set.name);
      const { list } = await listPlace(session, venvPlace(`threads ${count}`, prefix, python), 'threads', [
        siteOf(prefix, python),
      ]);
      const samples: number[] = [];
      for (let round = 0; round < bench.rounds; round += 1) {
        bench.checkRunning();
        await dropCaches();
        const start = performance.now();
        await Promise.all(Array.from({ length: clients }, () => wallMs(client, ['scandir', list, '1'])));
        samples.push(performance.now() - start);
      }
      await sandbox.expect('unmount', mountpoint);
      bench.record('threads', `${count} threads`, 'kernel', 'ms', samples);
    }
  },
};
