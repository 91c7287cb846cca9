/**
 * npm run bench:creation -- [--wheels FOLDER] [--python 3.11] [--rounds 11] [--uv uv] [--quick]
 *
 * Whole processes that make an environment of more than 150 distributions whose files are on this disk
 * already: ours from a lock and from pinned requirements; `python -m venv --without-pip`; uv with hard
 * links; pip without an index (left out with --quick). Medians; the contenders take turns. Writes bench/results/.
 */
import { readdir, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { run } from '../src/base/run.js';
import { discoverInterpreter } from '../src/python/discover.js';
import { bigSet } from '../test/support/big-set.js';
import { program, Sandbox } from '../test/support/sandbox.js';
import { describeMachine, median, must, saveResult, wallMs } from './measure.js';

const moreNames = 'flask fastapi celery black mypy pylint tox twine hypothesis aiohttp alembic'.split(' ');
/** Slow ones run once for so many rounds of the others. */
const slowEvery = 10;

const { values } = parseArgs({
  options: {
    wheels: { type: 'string' },
    python: { type: 'string', default: '3.11' },
    rounds: { type: 'string', default: '11' },
    uv: { type: 'string', default: 'uv' },
    quick: { type: 'boolean', default: false },
  },
});
// Certificates that node reads at each start, where a machine asks for it (60 ms), are not what is measured.
delete process.env.NODE_EXTRA_CA_CERTS;
const say = (text: string) => void process.stdout.write(`${text}\n`);

/** Makes the environment at `place` (or with the name `place`) and tells what it cost. */
interface Contender {
  name: string;
  isSlow: boolean;
  make(place: string): Promise<number>;
  remove(place: string): Promise<void>;
}

const sandbox = await Sandbox.make();
try {
  await main();
} finally {
  await sandbox.destroy();
}

async function main(): Promise<void> {
  const { baseExecutable: python } = await discoverInterpreter(values.python);
  const wheels = values.wheels ?? sandbox.path('wheels');
  const names = [...bigSet, ...moreNames];
  if (!values.wheels) await must(python, ['-m', 'pip', 'download', '-q', '-d', wheels, ...names]);
  const source = ['--no-index', '--find-links', wheels];
  await sandbox.expect('create', 'first', '--python', python, ...source, ...names);
  const lock = sandbox.path('pylock.toml');
  const pins = sandbox.path('pins.txt');
  await sandbox.expect('lock', 'first', '-o', lock, ...source);
  await writeFile(pins, await sandbox.expect('freeze', 'first', '--all'));
  const { distributions } = JSON.parse(await sandbox.expect('show', 'first', '--json')) as {
    distributions: unknown[];
  };
  const added = await filesAdded(python, lock);
  const contenders = await findContenders({ python, wheels, lock, pins });
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const { name, isSlow, make, remove } of contenders) {
      if (isSlow && (values.quick || round % slowEvery !== 0)) continue;
      const place = `e${round}-${contenders.findIndex((item) => item.name === name)}`;
      times.get(name)!.push(await make(place));
      await remove(place);
    }
  }
  await report(distributions.length, added, times);
}

async function report(
  distributions: number,
  added: { files: number; bytes: number },
  times: ReadonlyMap<string, readonly number[]>,
): Promise<void> {
  const ours = median(times.get('shenv-fs create -r pylock.toml')!);
  const rows = [...times]
    .filter(([, all]) => all.length > 0)
    .map(([name, all]) => ({
      name,
      medianMs: Math.round(median(all)),
      leastMs: Math.round(Math.min(...all)),
      runs: all.length,
      ratio: Number((median(all) / ours).toFixed(2)),
    }));
  say(
    `${distributions} distributions; a further environment adds ${added.files} files, ${added.bytes} bytes`,
  );
  for (const { name, medianMs, leastMs, runs, ratio } of rows)
    say(`${name.padEnd(44)} ${medianMs} ms (least ${leastMs}, ${runs} runs), ${ratio} times ours`);
  await saveResult('creation', { ...(await describeMachine()), distributions, added, rows });
}

async function filesAdded(python: string, lock: string): Promise<{ files: number; bytes: number }> {
  const list = async () => {
    const { stdout } = await sandbox.run('find', [sandbox.path('home'), '-type', 'f', '-printf', '%s\n']);
    return stdout.trim().split('\n').map(Number);
  };
  const before = await list();
  await sandbox.expect('create', 'second', '--python', python, '-r', lock);
  const after = await list();
  const sum = (sizes: number[]) => sizes.reduce((total, size) => total + size, 0);
  return { files: after.length - before.length, bytes: sum(after) - sum(before) };
}

interface Inputs {
  python: string;
  wheels: string;
  lock: string;
  pins: string;
}

async function findContenders({ python, wheels, lock, pins }: Inputs): Promise<Contender[]> {
  const source = ['--no-index', '--find-links', wheels];
  const ours = (name: string, requirements: string): Contender => ({
    name,
    isSlow: false,
    make: (place) =>
      wallMs(
        process.execPath,
        [program, 'create', place, '--python', python, '-r', requirements],
        sandbox.variables,
      ),
    remove: async (place) => void (await sandbox.expect('delete', place)),
  });
  const inFolder = (name: string, isSlow: boolean, commands: (path: string) => string[][]): Contender => ({
    name,
    isSlow,
    async make(place) {
      let total = 0;
      for (const [command = '', ...args] of commands(sandbox.path(place)))
        total += await wallMs(command, args);
      return total;
    },
    remove: (place) => rm(sandbox.path(place), { recursive: true }),
  });
  const venv = (path: string) => [python, '-I', '-m', 'venv', '--without-pip', path];
  const contenders = [
    inFolder('node -e 0', false, () => [[process.execPath, '-e', '0']]),
    ours('shenv-fs create -r pylock.toml', lock),
    ours('shenv-fs create -r pins.txt', pins),
    inFolder('python -m venv --without-pip', false, (path) => [venv(path)]),
    inFolder('python -m venv, pip install --no-index', true, (path) => [
      venv(path),
      [python, '-m', 'pip', '-q', '--python', path, 'install', '--no-deps', ...source, '-r', pins],
    ]),
  ];
  contenders[0]!.remove = async () => undefined;
  const uv = await run(values.uv, ['--version']).catch(() => undefined);
  if (uv?.status !== 0) say(`left out: uv (no program ${values.uv}; give one with --uv)`);
  else contenders.push(...uvContenders(inFolder, { python, wheels, lock, pins }));
  say(`${(await readdir(wheels)).length} files in the folder of wheels; ${uv?.stdout.trim() ?? ''}`);
  return contenders;
}

function uvContenders(
  inFolder: (name: string, isSlow: boolean, commands: (path: string) => string[][]) => Contender,
  { python, wheels, pins }: Inputs,
): Contender[] {
  const cache = ['--cache-dir', sandbox.path('uv-cache')];
  const source = ['--no-index', '--find-links', wheels];
  const make = (path: string) => [values.uv, 'venv', '-q', ...cache, '--python', python, path];
  const sync = (path: string, mode: string, ...more: string[]) => [
    ...[values.uv, 'pip', 'sync', '-q', ...cache, ...source, '--link-mode', mode],
    ...['--python', `${path}/bin/python`, ...more, pins],
  ];
  return [
    inFolder('uv venv, uv pip sync, hard links', false, (path) => [make(path), sync(path, 'hardlink')]),
    inFolder('the same with --compile-bytecode', true, (path) => [
      make(path),
      sync(path, 'hardlink', '--compile-bytecode'),
    ]),
  ];
}
