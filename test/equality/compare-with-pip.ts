/**
 * npm run compare -- [--python 3.11] [--engine kernel] [--wheels FOLDER] [--report] [REQUIREMENT...]
 *
 * Makes a venv with pip (`--no-compile`) and an environment with shenv-fs from the same wheels at the
 * same path, one after the other, and compares them path by path, mode by mode, byte by byte; then
 * what pip and importlib.metadata say in each. Exits 1 on any difference. Because the path is the
 * same, not even `#!` lines may differ.
 */
import { readdir, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { discoverInterpreter } from '../../src/python/discover.js';
import { probeInterpreter } from '../../src/python/probe.js';
import { bigSet } from '../support/big-set.js';
import { projectRoot, Sandbox } from '../support/sandbox.js';
import { compareTrees, readTree } from '../support/tree.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string', default: '3.11' },
    engine: { type: 'string', default: 'auto' },
    wheels: { type: 'string' },
  },
});
const requirements = positionals.length > 0 ? positionals : bigSet;
const say = (text: string) => process.stdout.write(`${text}\n`);
const sandbox = await Sandbox.make();
try {
  process.exitCode = (await compare()) ? 0 : 1;
} finally {
  await sandbox.destroy();
}

async function compare(): Promise<boolean> {
  const probe = await discoverInterpreter(values.python);
  const { baseExecutable: base } = await probeInterpreter(probe.baseExecutable);
  const wheels = values.wheels ?? sandbox.path('wheels');
  if (!values.wheels) {
    say(`fetching wheels of ${requirements.join(', ')}`);
    await must(base, ['-m', 'pip', 'download', '-q', '-d', wheels, ...requirements]);
  }
  const pip = join(wheels, (await readdir(wheels)).find((name) => name.startsWith('pip-'))!);
  const place = sandbox.path('mnt', 'demo');

  await must(base, ['-I', '-m', 'venv', '--without-pip', place]);
  const install = ['install', '-q', '--no-compile', '--no-index', '--find-links', wheels, ...requirements];
  const pipStartMs = Date.now();
  await must(base, [join(pip, 'pip'), '--python', place, ...install]);
  const pipMs = Date.now() - pipStartMs;
  const expected = await readTree(place);
  const expectedAnswers = await ask(place);
  await rename(sandbox.path('mnt'), sandbox.path('reference'));

  const source = ['--no-index', '--find-links', wheels, '--without-pip', '--no-bytecode'];
  await sandbox.expect('create', 'first', '--python', base, ...source, ...requirements);
  const files = async () =>
    (await sandbox.run('find', [sandbox.path('home'), '-type', 'f', '-printf', '%s\n'])).stdout;
  const before = (await files()).trim().split('\n').map(Number);
  await sandbox.expect('create', 'demo', '--python', base, ...source, ...requirements);
  const after = (await files()).trim().split('\n').map(Number);
  const mountpoint = await sandbox.mount(values.engine);
  const found = await readTree(place);
  // What shenv-fs adds of its own: docs/exclusions.md.
  for (const name of ['pip.conf', 'pip-notice.txt']) if (!found.delete(name)) say(`${name} is not shown`);
  const foundAnswers = await ask(place);

  const differences = compareTrees(expected, found);
  for (const [question, answer] of Object.entries(expectedAnswers)) {
    if (foundAnswers[question] !== answer) differences.push(`${question}: the answers differ`);
  }
  const distributions = expectedAnswers['pip list']!.trim().split('\n').length - 2;
  say(
    `Python ${probe.version}, ${distributions} distributions, ${found.size} paths, pip installed in ${pipMs} ms`,
  );
  say(`questions compared: ${Object.keys(expectedAnswers).join(', ')}`);
  say(
    `du -s of the environment: ${await kibibytes(place)} KiB; of pip's venv: ${await kibibytes(sandbox.path('reference', 'demo'))} KiB`,
  );
  say(`du -s --apparent-size: ${await kibibytes(place, '--apparent-size')} KiB`);
  say(
    `real files that a second environment added: ${after.length - before.length}, ${sum(after) - sum(before)} bytes`,
  );
  say(
    `mounted with ${(await sandbox.run('stat', ['-f', '-c', '%T', mountpoint])).stdout.trim()} (block size ${(await statfs(sandbox.folder)).bsize} below)`,
  );
  for (const difference of differences.slice(0, 50)) say(`DIFFERS ${difference}`);
  say(`${found.size} paths compared, ${differences.length} differences`);
  await rm(sandbox.path('reference'), { recursive: true });
  return differences.length === 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}

async function kibibytes(path: string, ...options: string[]): Promise<string> {
  return (await must('du', ['-s', '-k', ...options, path])).split('\t')[0]!;
}

async function ask(place: string): Promise<Record<string, string>> {
  const python = join(place, 'bin', 'python');
  const names = (
    JSON.parse(await must(python, ['-m', 'pip', 'list', '--format=json'])) as { name: string }[]
  ).map((item) => item.name);
  return {
    'pip list': await must(python, ['-m', 'pip', 'list']),
    'pip freeze': await must(python, ['-m', 'pip', 'freeze', '--all']),
    'pip check': (await sandbox.run(python, ['-m', 'pip', 'check'])).stdout,
    'pip show -f': await must(python, ['-m', 'pip', 'show', '-f', ...names]),
    // pip lists what it inspects in the order of the directory, which ext4 does not define.
    'pip inspect': sortInspection(await must(python, ['-m', 'pip', 'inspect'])),
    'importlib.metadata, sysconfig': await must(python, [join(projectRoot, 'test/equality/questions.py')]),
  };
}

function sortInspection(text: string): string {
  const report = JSON.parse(text) as { installed: { metadata: { name: string } }[] };
  report.installed.sort((a, b) => a.metadata.name.localeCompare(b.metadata.name, 'en'));
  return JSON.stringify(report);
}

async function must(command: string, args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await sandbox.run(command, args, 600_000);
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.slice(0, 6).join(' ')} ended with ${status}: ${stderr.slice(-2000)}`);
}
