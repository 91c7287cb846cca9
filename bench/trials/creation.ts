import { writeFile } from 'node:fs/promises';
import { writeWheel } from '../../test/support/wheel-builder.js';
import { createIn, newHome } from '../contenders/shenv.js';
import { pipMakers, uvMakers } from '../makers/folders.js';
import type { Maker, Order } from '../makers/maker.js';
import { shenvMakers } from '../makers/shenv.js';
import { type Bench, firstLine } from '../run/bench.js';
import { downloadedSet, sourceOf } from '../run/wheel-set.js';
import type { Session, Trial } from './trial.js';

const steps = ['create', 'clone', 'rename', 'install one package', 'roll back', 'delete'] as const;

export const creation: Trial = {
  name: 'creation',
  title: 'Creating, cloning, changing, deleting',
  about:
    'Whole processes, with every file on the disk already: wheels in a folder, the store and the cache of uv filled by a first creation that is not counted. create: an environment of the whole set, each distribution at a given version. clone: a second one of the first (`cp -a` for a venv). install: one small pure-Python wheel. roll back: to the generation before it. delete: `shenv-fs delete`, `rm -r`.',
  charts: steps.map((step) => ({
    name: step.replaceAll(' ', '-'),
    title: `Environments: ${step}`,
    kind: 'ratio' as const,
    cases: new RegExp(`^${step}`),
  })),
  cost: { once: 180, rounds: 60 },
  async run(session) {
    const { bench } = session;
    const { order, count } = await prepare(session);
    const makers = [...(await pipMakers(order)), ...shenvMakers(order), ...(await uvMakers(order))];
    const samples = new Map(makers.map((maker) => [maker, newSamples()]));
    for (let round = -1; round < Math.max(...makers.map((maker) => roundsOf(bench, maker))); round += 1) {
      for (const maker of [...samples.keys()]) {
        bench.checkRunning();
        // A slow one fills nothing that it would profit from, and takes a minute.
        if (round >= roundsOf(bench, maker) || (maker.isSlow && round < 0)) continue;
        const times = await goThrough(bench, maker, `e${round + 1}`);
        if (!times) samples.delete(maker);
        else if (round >= 0) for (const [step, ms] of times) samples.get(maker)!.get(step)!.push(ms);
      }
    }
    for (const step of steps)
      for (const [maker, all] of samples)
        if (all.get(step)!.length > 0)
          bench.record('creation', `${step}, ${count} distributions`, maker.name, 'ms', all.get(step)!);
  },
};

/** Twice as many for what takes a tenth of a second and has a target. */
function roundsOf(bench: Bench, { isSlow, isQuick }: Maker): number {
  if (isSlow || bench.settings.isQuick) return 1;
  return isQuick ? bench.rounds * 2 : bench.slowRounds;
}

type Step = (typeof steps)[number];

function newSamples(): Map<Step, number[]> {
  return new Map(steps.map((step) => [step, []]));
}

/** Undefined, with the reason noted, when a step fails: the maker is then left out. */
async function goThrough(bench: Bench, maker: Maker, place: string): Promise<Map<Step, number> | undefined> {
  try {
    const times = new Map<Step, number>([['create', await maker.create(place)]]);
    if (maker.clone) {
      times.set('clone', await maker.clone(place, `${place}-clone`));
      if (maker.rename) times.set('rename', await maker.rename(`${place}-clone`, `${place}-renamed`));
      await maker.remove(maker.rename ? `${place}-renamed` : `${place}-clone`);
    }
    if (maker.install) times.set('install one package', await maker.install(place));
    if (maker.rollBack) times.set('roll back', await maker.rollBack(place));
    return times.set('delete', await maker.remove(place));
  } catch (error) {
    bench.checkRunning();
    bench.skip(`${maker.name} in the trial creation`, firstLine(error));
    return undefined;
  }
}

async function prepare({ bench }: Session): Promise<{ order: Order; count: number }> {
  const { python, isQuick } = bench.settings;
  const set = await downloadedSet(bench, isQuick ? 'quick' : 'creation', python);
  const sandbox = await newHome(bench, 'for creation');
  const { baseExecutable } = python;
  const source = sourceOf(set);
  await createIn(sandbox, 'first', '--python', baseExecutable, ...source, ...set.requirements);
  const [lock, pins] = [sandbox.path('pylock.toml'), sandbox.path('pins.txt')];
  await sandbox.expect('lock', 'first', '-o', lock, ...source);
  await writeFile(pins, await sandbox.expect('freeze', 'first', '--all'));
  const { distributions } = JSON.parse(await sandbox.expect('show', 'first', '--json')) as {
    distributions: unknown[];
  };
  const wheels = await bench.newFolder('wheels', 'extra');
  await writeWheel(wheels, { name: 'benchextra', files: { 'benchextra.py': 'NAME = "extra"\n' } });
  const extra = { name: 'extra', wheels, requirements: ['benchextra'] };
  return { order: { bench, sandbox, set, lock, pins, extra }, count: distributions.length };
}
