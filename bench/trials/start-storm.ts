import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { program, type Sandbox } from '../../test/support/sandbox.js';
import { createIn, newHome } from '../contenders/shenv.js';
import { venvPlace } from '../contenders/venv.js';
import { buildClient } from '../run/client.js';
import { must } from '../run/commands.js';
import type { Place } from '../run/contender.js';
import { type DelayedFolder, mountDelayed } from '../run/delayed-folder.js';
import { importAll, moduleList } from '../run/importing.js';
import { dropCaches, isRoot } from '../run/machine.js';
import { downloadedSet, sourceOf, type WheelSet } from '../run/wheel-set.js';
import { type Side, venvSide } from './shared-side.js';
import type { Session, Trial } from './trial.js';

interface Storm {
  nodes: number;
  /** Of each node. */
  interpreters: number;
  delayMs: number;
  client: string;
  list: string;
}

export const startStorm: Trial = {
  name: 'start-storm',
  title: 'Many nodes that start at once',
  about:
    'Every node mounts at the same moment and runs many interpreters at once, which import the set; each node has a client of its own of the shared file system (bench/clients/delayfs.c, 1 ms for each request), with nothing cached. The home and the store, or the venv itself, lie there. "Last" is the time from the start of the mounts until the last interpreter has ended, on the two cores of this machine; operations and bytes are those of all clients together. "cache" is with `--cache` on each node, the first time; "cache, again" after all daemons were ended and caches dropped.',
  charts: [
    { name: 'operations', title: 'Operations of a start-up storm', kind: 'value', cases: /operations$/ },
    { name: 'bytes', title: 'Bytes of a start-up storm', kind: 'value', cases: /bytes$/ },
  ],
  cost: { once: 150, rounds: 0 },
  async run(session) {
    const { bench, shelf } = session;
    if (!isRoot)
      return bench.skip('start-storm', 'only root may mount the delaying file system and drop caches');
    const { isQuick } = bench.settings;
    const [name, module] = isQuick ? (['quick', 'flask'] as const) : (['medium', 'pandas'] as const);
    const set = await downloadedSet(bench, name, bench.settings.python);
    const [nodes, interpreters] = isQuick ? [4, 5] : [10, 20];
    const client = await buildClient(bench, 'delayfs');
    const list = await moduleList(bench, `storm-${name}`, [module]);
    const storm = { nodes, interpreters, delayMs: 1, client, list };
    const sides = [await venvSide(session, startStorm.name, set)];
    if (shelf.isChosen('kernel')) sides.push(...(await storeSides(session, startStorm.name, set)));
    for (const side of sides) await measure(session, side, storm);
  },
};

async function measure({ bench }: Session, side: Side, storm: Storm): Promise<void> {
  bench.checkRunning();
  const { nodes, interpreters, delayMs, client, list } = storm;
  await dropCaches();
  const label = side.name.replaceAll(/[ ,]+/g, '-');
  const clients: DelayedFolder[] = [];
  for (let node = 0; node < nodes; node += 1)
    clients.push(
      await mountDelayed(bench, client, side.folder, { name: `${label}-${node}`, delayUs: delayMs * 1000 }),
    );
  const start = process.hrtime.bigint();
  const opened = await Promise.all(
    clients.map(async (shared, node) => {
      const { place, close } = await side.open(shared, `storm-${label}-${node}`);
      await Promise.all(Array.from({ length: interpreters }, () => importAll(place, list)));
      return close;
    }),
  );
  const lastMs = Number(process.hrtime.bigint() - start) / 1e6;
  const sum = async (of: (shared: DelayedFolder) => Promise<number>) =>
    (await Promise.all(clients.map(of))).reduce((total, count) => total + count, 0);
  const record = (figure: string, unit: 'ms' | 'count' | 'bytes', value: number) =>
    bench.record('start-storm', `${nodes} nodes of ${interpreters}, ${figure}`, side.name, unit, [value]);
  record('last', 'ms', lastMs);
  record('operations', 'count', await sum((shared) => shared.operations()));
  record('bytes', 'bytes', await sum((shared) => shared.bytesRead()));
  for (const close of opened) await close();
  for (const shared of clients) await shared.unmount();
}

/** The same home, for the trial of that name alone, with an environment that is sealed and one that is not. */
export async function storeSides({ bench }: Session, trial: string, set: WheelSet): Promise<Side[]> {
  const folder = await bench.newFolder(trial, 'home');
  const { python } = bench.settings;
  const sandbox = await newHome(bench, 'of a start-up storm');
  sandbox.variables.SHENV_HOME = folder;
  const create = ['plain', '--python', python.baseExecutable, '--without-pip'];
  await createIn(sandbox, ...create, ...sourceOf(set), ...set.requirements);
  await sandbox.expect('clone', 'plain', 'sealed');
  await sandbox.expect('seal', 'sealed');
  const side = (name: string, environment: string, isCached = false): Side => ({
    name,
    folder,
    open: (shared, node) => openNode(bench, sandbox, { shared, node, environment, isCached }),
  });
  return [
    side('kernel', 'plain'),
    side('kernel, sealed', 'sealed'),
    side('kernel, sealed, cache', 'sealed', true),
    side('kernel, sealed, cache, again', 'sealed', true),
  ];
}

interface Node {
  shared: Pick<DelayedFolder, 'mountpoint'>;
  node: string;
  environment: string;
  isCached: boolean;
}

/** A daemon with a runtime folder, and a cache if need be, of its own, as on a host of its own. */
async function openNode(
  bench: Session['bench'],
  sandbox: Sandbox,
  { shared, node, environment, isCached }: Node,
): Promise<{ place: Place; close(): Promise<unknown> }> {
  const mountpoint = join(bench.folder, 'storm', node);
  await mkdir(mountpoint, { recursive: true });
  const number = node.slice(node.lastIndexOf('-') + 1);
  const env = {
    ...sandbox.variables,
    SHENV_HOME: shared.mountpoint,
    SHENV_RUNTIME: join(bench.folder, 'storm', `run-${number}`),
  };
  const cache = isCached ? ['--cache', join(bench.folder, 'storm', `cache-${number}`)] : [];
  const shenv = (...args: string[]) => must(process.execPath, [program, ...args], { env });
  const close = () => shenv('unmount', mountpoint);
  // Before the delayed folder below it goes.
  bench.defer(`the mount of ${node}`, () => close().catch(() => undefined));
  const options = ['--engine', 'kernel', '--env', environment, '--poll', '0', ...cache];
  await shenv('mount', mountpoint, ...options);
  return { place: venvPlace('kernel', mountpoint, bench.settings.python), close };
}
