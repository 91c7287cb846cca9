/**
 * npm run bench:kernel -- [--wheels FOLDER] [--python 3.11] [--rounds 5] [--engine kernel]
 *
 * The goals of the kernel engine, as ratios to pip's venv on the same disk in the same run; both have
 * bytecode. Medians; the two sides take turns. Needs root (drops caches). Writes bench/results/.
 */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { discoverInterpreter } from '../src/python/discover.js';
import { bigSet } from '../test/support/big-set.js';
import { projectRoot, Sandbox } from '../test/support/sandbox.js';
import { describeMachine, dropCaches, median, must, passes, saveResult, wallMs } from './measure.js';

const importRoots =
  'numpy pandas scipy sklearn matplotlib sqlalchemy boto3 sphinx jupyterlab jedi babel'.split(' ');
const moduleLimit = '3300';
const manyInterpreters = 64;

const { values } = parseArgs({
  options: {
    wheels: { type: 'string' },
    python: { type: 'string', default: '3.11' },
    rounds: { type: 'string', default: '5' },
    engine: { type: 'string', default: 'kernel' },
    threads: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const say = (text: string) => void process.stdout.write(`${text}\n`);

interface Row {
  trial: string;
  unit: string;
  ext4: number;
  mounted: number;
  goal: number | undefined;
}

interface Sides {
  ext4: string;
  mounted: string;
  second: string;
}

const sandbox = await Sandbox.make();
try {
  await main();
} finally {
  await sandbox.destroy();
}

async function main(): Promise<void> {
  const sides = await prepare();
  const client = sandbox.path('fsclient');
  await must('cc', ['-O2', '-o', client, join(projectRoot, 'bench/clients/fsclient.c')]);
  const rows = [...(await fileSystemTrials(client, sides)), ...(await importTrials(sides))];
  const status = JSON.parse(await sandbox.expect('status', '--json')) as { memoryBytes: number }[];
  const memoryMib = Math.round(status[0]!.memoryBytes / 2 ** 20);
  for (const row of rows) say(formatRow(row));
  say(`memory of the daemon: ${memoryMib} MiB`);
  await saveResult('kernel-targets', {
    ...(await describeMachine()),
    engine: values.engine,
    rounds,
    memoryMib,
    rows,
  });
}

async function prepare(): Promise<Sides> {
  const { baseExecutable: base } = await discoverInterpreter(values.python);
  const wheels = values.wheels ?? sandbox.path('wheels');
  if (!values.wheels) await must(base, ['-m', 'pip', 'download', '-q', '-d', wheels, ...bigSet]);
  const ext4 = sandbox.path('ext4', 'demo');
  const variables = { ...process.env };
  delete variables.PYTHONDONTWRITEBYTECODE;
  await must(base, ['-I', '-m', 'venv', '--without-pip', ext4], variables);
  const pip = join(wheels, (await readdir(wheels)).find((name) => name.startsWith('pip-'))!, 'pip');
  const install = ['install', '-q', '--no-index', '--find-links', wheels, ...bigSet];
  await must(base, [pip, '--python', ext4, ...install], variables);
  const source = ['--python', base, '--no-index', '--find-links', wheels];
  for (const name of ['demo', 'second']) await sandbox.expect('create', name, ...source, ...bigSet);
  const options = values.threads === undefined ? [] : ['--threads', values.threads];
  const mountpoint = await sandbox.mount(values.engine, 'mnt', ...options);
  return { ext4, mounted: join(mountpoint, 'demo'), second: join(mountpoint, 'second') };
}

async function fileSystemTrials(client: string, sides: Sides): Promise<Row[]> {
  const lists = { ext4: sandbox.path('ext4.list'), mounted: sandbox.path('mounted.list') };
  for (const side of ['ext4', 'mounted'] as const)
    await writeFile(lists[side], await must(client, ['collect', sides[side]]));
  const rows: Row[] = [];
  const goals = { listdir: 1.1, lstat: 1.2, missing: 1.3, read: 1.3 } as const;
  for (const [trial, goal] of Object.entries(goals)) {
    const samples = { ext4: [] as number[], mounted: [] as number[] };
    for (let round = 0; round < rounds; round += 1) {
      for (const side of ['ext4', 'mounted'] as const) {
        // The first pass fills the caches.
        samples[side].push(...(await passes(client, trial, lists[side], 3)).slice(1));
      }
    }
    rows.push({
      trial: `${trial}, warm`,
      unit: 'us',
      ext4: median(samples.ext4) / 1000,
      mounted: median(samples.mounted) / 1000,
      goal,
    });
  }
  const cold = { ext4: [] as number[], mounted: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    for (const side of ['ext4', 'mounted'] as const) {
      await dropCaches();
      cold[side].push(...(await passes(client, 'walk', lists[side], 1)));
    }
  }
  rows.push({
    trial: 'list + lstat, caches dropped',
    unit: 'us',
    ext4: median(cold.ext4) / 1000,
    mounted: median(cold.mounted) / 1000,
    goal: 0.9,
  });
  return rows;
}

async function importTrials(sides: Sides): Promise<Row[]> {
  const script = join(projectRoot, 'bench/import-modules.py');
  const list = sandbox.path('modules.txt');
  const python = (side: keyof Sides) => join(sides[side], 'bin/python');
  await writeFile(
    list,
    await must(python('ext4'), ['-B', script, '--collect', ...importRoots], {
      ...process.env,
      LIMIT: moduleLimit,
    }),
  );
  const loaded = (await must(python('ext4'), ['-B', script, list])).trim();
  say(`${loaded} modules are loaded after the import`);
  const time = async (side: 'ext4' | 'mounted', isCold: boolean) => {
    if (isCold) await dropCaches();
    return wallMs(python(side), ['-B', script, list]);
  };
  const rows: Row[] = [];
  for (const isCold of [false, true]) {
    const samples = { ext4: [] as number[], mounted: [] as number[] };
    if (!isCold) for (const side of ['ext4', 'mounted'] as const) await time(side, false);
    for (let round = 0; round < rounds; round += 1) {
      for (const side of ['ext4', 'mounted'] as const) samples[side].push(await time(side, isCold));
    }
    const trial = `import of ${loaded} modules, ${isCold ? 'caches dropped' : 'warm'}`;
    rows.push({
      trial,
      unit: 'ms',
      ext4: median(samples.ext4),
      mounted: median(samples.mounted),
      goal: isCold ? 1.25 : 1.05,
    });
  }
  await dropCaches();
  const reads: number[] = [];
  for (const side of ['mounted', 'mounted', 'second'] as const) {
    const before = await requestCount('READ');
    await wallMs(python(side), ['-B', script, list]);
    reads.push((await requestCount('READ')) - before);
  }
  // What the kernel reclaimed in between is read again; the repeated import shows how much that is.
  say(
    `READ requests: first import ${reads[0]}, the same again ${reads[1]}, a second environment ${reads[2]}`,
  );
  rows.push(await manyAtOnce(python));
  return rows;
}

async function manyAtOnce(python: (side: keyof Sides) => string): Promise<Row> {
  const samples = { ext4: [] as number[], mounted: [] as number[] };
  for (let round = 0; round < Math.min(rounds, 3); round += 1) {
    for (const side of ['ext4', 'mounted'] as const) {
      const start = Date.now();
      const all = Array.from({ length: manyInterpreters }, () =>
        wallMs(python(side), ['-B', '-c', 'import numpy, requests, sqlalchemy, jinja2']),
      );
      await Promise.all(all);
      samples[side].push(Date.now() - start);
    }
  }
  return {
    trial: `${manyInterpreters} interpreters at once`,
    unit: 'ms',
    ext4: median(samples.ext4),
    mounted: median(samples.mounted),
    goal: 1.3,
  };
}

async function requestCount(opcode: string): Promise<number> {
  const [mount] = JSON.parse(await sandbox.expect('status', '--json')) as {
    requests: Record<string, number>;
  }[];
  return mount?.requests[opcode] ?? 0;
}

function formatRow({ trial, unit, ext4, mounted, goal }: Row): string {
  const ratio = mounted / ext4;
  const verdict = goal === undefined ? '' : ` goal ${goal.toFixed(2)} ${ratio <= goal ? 'met' : 'MISSED'}`;
  return `${trial.padEnd(42)} ext4 ${ext4.toFixed(2).padStart(9)} ${unit}  mounted ${mounted.toFixed(2).padStart(9)} ${unit}  ratio ${ratio.toFixed(2)}${verdict}`;
}
