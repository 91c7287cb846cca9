import { program } from '../../test/support/sandbox.js';
import { homeOf } from '../contenders/shenv.js';
import { wallMs } from '../run/commands.js';
import { dropCaches, isRoot } from '../run/machine.js';
import type { Trial } from './trial.js';

const readAll = 'find "$0" -name "*.img" -exec dd if={} of=/dev/null bs=4M status=none \\;';

export const verify: Trial = {
  name: 'verify',
  title: 'Verifying a store',
  about:
    'Wall time of `store verify` over every image of the store, and of dd reading them one after another, in turns, with caches dropped: what share of the speed of the disk it has.',
  charts: [{ name: 'time', title: 'Reading every image', kind: 'value', cases: /./ }],
  cost: { once: 0, rounds: 25 },
  async run(session) {
    const { bench, shelf } = session;
    if (!isRoot) return bench.skip('verify', 'only root may drop the kernel caches');
    if (!shelf.isChosen('kernel')) return;
    const { python } = bench.settings;
    const sandbox = await homeOf({ bench, shelf, set: await session.mainSet(), python });
    const ways: readonly [string, string, readonly string[]][] = [
      ['dd of every image', 'sh', ['-c', readAll, sandbox.path('home', 'store')]],
      ['store verify', process.execPath, [program, 'store', 'verify']],
    ];
    const samples = new Map<string, number[]>(ways.map(([name]) => [name, []]));
    for (let round = 0; round < bench.slowRounds; round += 1) {
      for (const [name, command, args] of ways) {
        bench.checkRunning();
        await dropCaches();
        samples.get(name)!.push(await wallMs(command, args, { env: sandbox.variables }));
      }
    }
    for (const [name, all] of samples) bench.record('verify', name, 'kernel', 'ms', all);
  },
};
