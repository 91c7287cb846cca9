import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createIn, newHome } from '../contenders/shenv.js';
import { venvPlace } from '../contenders/venv.js';
import { buildClient } from '../run/client.js';
import { must } from '../run/commands.js';
import { mountDelayed } from '../run/delayed-folder.js';
import { importAll, moduleList } from '../run/importing.js';
import { dropCaches, isRoot } from '../run/machine.js';
import { deferUnmount } from '../run/shelf.js';
import { downloadedSet, sourceOf, type WheelSet } from '../run/wheel-set.js';
import { type Side, venvSide } from './shared-side.js';
import type { Session, Trial } from './trial.js';

export const sharedStore: Trial = {
  name: 'shared-store',
  title: 'A store on a shared file system',
  about:
    'A process that imports the set, while the store (kernel), the venv itself or the squashfs file lies on a file system that answers every request of a network client late (bench/clients/delayfs.c). Operations are the requests that reach it: cold (nothing cached, daemon just started), again at once, and for mounting.',
  charts: [
    {
      name: 'time',
      title: 'Import from a shared file system',
      kind: 'ratio',
      cases: /^(cold|again), [\d.]+ ms$/,
    },
    {
      name: 'operations',
      title: 'Operations that reach the shared file system',
      kind: 'value',
      cases: /operations/,
    },
  ],
  cost: { once: 15, rounds: 140 },
  async run(session) {
    const { bench, shelf } = session;
    if (!isRoot)
      return bench.skip('shared-store', 'only root may mount the delaying file system and drop caches');
    const [name, module] = bench.settings.isQuick
      ? (['quick', 'flask'] as const)
      : (['medium', 'pandas'] as const);
    const set = await downloadedSet(bench, name, bench.settings.python);
    const program = await buildClient(bench, 'delayfs');
    const list = await moduleList(bench, `shared-${name}`, [module]);
    const sides = [await venvSide(session, 'shared', set)];
    if (shelf.isChosen('kernel')) sides.push(await storeSide(session, set));
    if (await shelf.isReady('squashfs')) sides.push(await squashfsSide(session, set));
    for (const side of sides)
      for (const delayMs of bench.settings.isQuick ? [1] : [0, 0.2, 1, 5])
        await measure(session, { side, delayMs, program, list });
  },
};

interface Measurement {
  side: Side;
  delayMs: number;
  program: string;
  list: string;
}

async function measure({ bench }: Session, { side, delayMs, program, list }: Measurement): Promise<void> {
  const times = { cold: [] as number[], again: [] as number[] };
  const operations = { mount: [] as number[], cold: [] as number[], again: [] as number[] };
  for (let round = 0; round < bench.slowRounds; round += 1) {
    bench.checkRunning();
    const label = `${side.name}-${delayMs}-${round}`;
    await dropCaches();
    const shared = await mountDelayed(bench, program, side.folder, { name: label, delayUs: delayMs * 1000 });
    const { place, close } = await side.open(shared, label);
    let before = await shared.operations();
    operations.mount.push(before);
    for (const kind of ['cold', 'again'] as const) {
      times[kind].push(await importAll(place, list));
      const after = await shared.operations();
      operations[kind].push(after - before);
      before = after;
    }
    await close();
    await shared.unmount();
  }
  for (const kind of ['cold', 'again'] as const)
    bench.record('shared-store', `${kind}, ${delayMs} ms`, side.name, 'ms', times[kind]);
  for (const kind of ['mount', 'cold', 'again'] as const)
    if (delayMs === 1)
      bench.record('shared-store', `${kind}, operations`, side.name, 'count', operations[kind]);
}

async function storeSide({ bench }: Session, set: WheelSet): Promise<Side> {
  const folder = await bench.newFolder('shared', 'store');
  const { python } = bench.settings;
  const sandbox = await newHome(bench, 'with a shared store');
  sandbox.variables.SHENV_STORE = folder;
  const create = ['env', '--python', python.baseExecutable, '--without-pip'];
  await createIn(sandbox, ...create, ...sourceOf(set), ...set.requirements);
  return {
    name: 'kernel',
    folder,
    async open(shared, label) {
      sandbox.variables.SHENV_STORE = shared.mountpoint;
      const mountpoint = await sandbox.mount('kernel', `mnt-${label}`);
      const close = () => sandbox.expect('unmount', mountpoint);
      // Before the delayed folder below it goes.
      bench.defer(`the mount over ${label}`, () => close().catch(() => undefined));
      return { place: venvPlace('kernel', join(mountpoint, 'env'), python), close };
    },
  };
}

async function squashfsSide({ bench, shelf }: Session, set: WheelSet): Promise<Side> {
  const folder = await bench.newFolder('shared', 'squashfs');
  const { own } = await shelf.place('squashfs', set);
  await must('cp', [own[0]!, join(folder, 'env.img')]);
  return {
    name: 'squashfs',
    folder,
    async open(shared, label) {
      const mountpoint = join(bench.folder, 'shared', label);
      await mkdir(mountpoint);
      deferUnmount(bench, mountpoint);
      await must('mount', [
        '-t',
        'squashfs',
        '-o',
        'loop,ro',
        join(shared.mountpoint, 'env.img'),
        mountpoint,
      ]);
      const close = () => must('umount', [mountpoint]);
      return { place: venvPlace('squashfs', mountpoint, bench.settings.python), close };
    },
  };
}
