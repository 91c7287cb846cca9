import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findPlaces } from '../../src/base/paths.js';
import { clone } from '../../src/env/generations.js';
import { openWorkspace } from '../../src/env/workspace.js';
import { program, type Sandbox } from '../../test/support/sandbox.js';
import { createIn, newHome, statusOf } from '../contenders/shenv.js';
import { siteOf } from '../contenders/venv.js';
import { passes } from '../run/client.js';
import { wallMs } from '../run/commands.js';
import { generatedSet, sourceOf } from '../run/wheel-set.js';
import type { Session, Trial } from './trial.js';

const engines = ['kernel', 'fuse-native'];
const distributions = 10;
/** With more, only the default engine is measured: how the portable one grows is seen by then. */
const mostPortable = 1000;

export const environments: Trial = {
  name: 'environments',
  title: 'Many environments in one mount',
  about: `Clones of an environment of ${distributions} distributions in one home: until a mount answers, what its daemon occupies (VmRSS) then and after every environment was listed, how long the first listing of an environment takes (it is composed then), a stat, and \`shenv-fs clone\` with so many there.`,
  charts: [
    {
      name: 'mount',
      title: 'Until a mount answers',
      kind: 'lines',
      cases: /^\d+ environments, mount$/,
      over: 'environments',
    },
    {
      name: 'memory',
      title: 'Memory of the daemon after all were listed',
      kind: 'lines',
      cases: /^\d+ environments, memory after listing all$/,
      over: 'environments',
    },
  ],
  cost: { once: 170, rounds: 10 },
  async run(session) {
    const { bench, shelf } = session;
    const sandbox = await newHome(bench, 'with many environments');
    const set = await generatedSet(bench, distributions);
    const { baseExecutable } = bench.settings.python;
    const create = ['env-0', '--python', baseExecutable, '--without-pip', '--no-bytecode'];
    await createIn(sandbox, ...create, ...sourceOf(set), ...set.requirements);
    let made = 1;
    for (const count of bench.settings.isQuick ? [1, 100] : [1, 100, 1000, 10_000]) {
      await addClones(session, sandbox, made, count);
      made = count;
      await cloning(session, sandbox, count);
      for (const engine of engines.filter((name) => shelf.isChosen(name)))
        if (engine === 'kernel' || count <= mostPortable) await measure(session, sandbox, engine, count);
    }
    for (const engine of engines.filter((name) => shelf.isChosen(name))) recordGrowth(session, engine);
  },
};

/** In this process: as commands they would take a quarter of an hour. */
async function addClones({ bench }: Session, sandbox: Sandbox, from: number, to: number): Promise<void> {
  const workspace = openWorkspace(findPlaces(sandbox.variables));
  for (let index = from; index < to; index += 1) {
    bench.checkRunning();
    await clone(workspace, 'env-0', `env-${index}`);
  }
}

/** `shenv-fs clone` with so many environments there, none mounted. */
async function cloning({ bench }: Session, sandbox: Sandbox, count: number): Promise<void> {
  const samples: number[] = [];
  for (let round = 0; round < bench.slowRounds; round += 1) {
    bench.checkRunning();
    samples.push(
      await wallMs(process.execPath, [program, 'clone', 'env-0', 'probe'], { env: sandbox.variables }),
    );
    await sandbox.expect('delete', 'probe');
  }
  bench.record('environments', `${count} environments, clone`, 'kernel', 'ms', samples);
}

async function measure(session: Session, sandbox: Sandbox, engine: string, count: number): Promise<void> {
  const { bench, client } = session;
  const record = (name: string, unit: 'ms' | 'us' | 'bytes', samples: readonly number[]) =>
    bench.record('environments', `${count} environments, ${name}`, engine, unit, samples);
  const mounts: number[] = [];
  let mountpoint = '';
  const rounds = count > mostPortable ? 1 : bench.slowRounds;
  for (let round = 0; round < rounds; round += 1) {
    bench.checkRunning();
    if (mountpoint) await sandbox.expect('unmount', mountpoint);
    const start = performance.now();
    mountpoint = await sandbox.mount(engine, `mnt-${engine}`);
    mounts.push(performance.now() - start);
  }
  const memory = async () => [(await statusOf(sandbox, mountpoint)).memoryBytes];
  record('mount', 'ms', mounts);
  record('memory', 'bytes', await memory());
  const list = join(await bench.newFolder('lists'), `environments-${engine}-${count}.list`);
  const sites = Array.from({ length: count }, (_, index) =>
    siteOf(join(mountpoint, `env-${index}`), bench.settings.python),
  );
  await writeFile(list, sites.map((site) => `d ${site}\n`).join(''));
  record('first listing', 'us', await passes(client, 'listdir', list, 1));
  record('memory after listing all', 'bytes', await memory());
  record('stat', 'us', await passes(client, 'stat', list, 3));
  await sandbox.expect('unmount', mountpoint);
}

function recordGrowth({ bench }: Session, engine: string): void {
  for (const [figure, unit] of [
    ['mount', 'ms'],
    ['clone', 'ms'],
    ['memory after listing all', 'bytes'],
    ['first listing', 'us'],
    ['stat', 'us'],
  ] as const)
    bench.recordGrowthOf({ trial: 'environments', figure, contender: engine, over: 'environments', unit });
}
