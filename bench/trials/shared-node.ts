import { buildClient } from '../run/client.js';
import { mountDelayed } from '../run/delayed-folder.js';
import { collectModules, importAll } from '../run/importing.js';
import { dropCaches, isRoot } from '../run/machine.js';
import { downloadedSet } from '../run/wheel-set.js';
import { largeLimit, largePackages } from './import.js';
import { type Side, venvSide } from './shared-side.js';
import { startStorm, storeSides } from './start-storm.js';
import type { Session, Trial } from './trial.js';

/** By figure, then by side. */
type Samples = Map<string, Map<string, number[]>>;

/** One side as one node sees it. */
interface Visit {
  side: Side;
  /** Undefined: the folder is a local one. */
  client: string | undefined;
  list: string;
  round: number;
  samples: Samples;
}

const delayMs = 1;

export const sharedNode: Trial = {
  name: 'shared-node',
  title: 'The first and the second process on a node',
  about: `A process that imports more than 3,000 modules, and the same again, on a node on which nothing is cached and the mount was just made; home and store, or the venv, lie on the local disk, and on a file system that answers each request ${delayMs} ms late (bench/clients/delayfs.c). The sides are those of ${startStorm.name}. Operations are all that reached it, from before the mount until the process has ended.`,
  charts: [
    { name: 'operations', title: 'Operations of one node', kind: 'value', cases: /operations$/ },
    { name: 'time', title: 'Imports on one node', kind: 'value', cases: /(local|ms)$/ },
  ],
  cost: { once: 40, rounds: 150 },
  async run(session) {
    const { bench, shelf } = session;
    if (!isRoot)
      return bench.skip('shared-node', 'only root may mount the delaying file system and drop caches');
    const { isQuick, python, slowRounds } = bench.settings;
    const set = await downloadedSet(bench, isQuick ? 'quick' : 'large', python);
    const [packages, limit] = isQuick ? [['flask'], 300] : [largePackages, largeLimit];
    const name = `node-${set.name}`;
    const list = await collectModules(bench, await shelf.place('venv', set), { name, packages, limit });
    const client = await buildClient(bench, 'delayfs');
    const sides = [await venvSide(session, sharedNode.name, set)];
    if (shelf.isChosen('kernel')) sides.push(...(await storeSides(session, sharedNode.name, set)));
    const samples: Samples = new Map();
    for (let round = 0; round < slowRounds; round += 1)
      for (const side of sides)
        for (const where of [undefined, client])
          await visit(session, { side, client: where, list, round, samples });
    for (const [figure, bySide] of samples)
      for (const [side, values] of bySide)
        bench.record('shared-node', figure, side, figure.endsWith('operations') ? 'count' : 'ms', values);
  },
};

async function visit({ bench }: Session, { side, client, list, round, samples }: Visit): Promise<void> {
  bench.checkRunning();
  const where = client ? 'late' : 'local';
  // The last part names the runtime folder and the cache of the node.
  const label = `node-${side.name.replaceAll(/[ ,]+/g, '-')}-${where}${round}`;
  const take = (figure: string, value: number) => {
    const bySide = samples.get(figure) ?? new Map<string, number[]>();
    bySide.set(side.name, [...(bySide.get(side.name) ?? []), value]);
    samples.set(figure, bySide);
  };
  await dropCaches();
  const options = { name: label, delayUs: delayMs * 1000 };
  const shared = client === undefined ? undefined : await mountDelayed(bench, client, side.folder, options);
  const { place, close } = await side.open(shared ?? { mountpoint: side.folder }, label);
  for (const which of ['first', 'second']) {
    take(`${which}, ${shared ? `${delayMs} ms` : 'local'}`, await importAll(place, list));
    if (shared) take(`${which}, operations`, await shared.operations());
  }
  await close();
  await shared?.unmount();
}
