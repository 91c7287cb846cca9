/**
 * npm run bench:threads -- --wheels FOLDER [--python 3.11] [--rounds 5]
 *
 * Four clients at once list and lstat the whole environment with caches dropped, for 1, 2, 4 and 8 threads of the
 * kernel engine: what its default is chosen by. Needs root. Writes bench/results/.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { discoverInterpreter } from '../src/python/discover.js';
import { bigSet } from '../test/support/big-set.js';
import { projectRoot, Sandbox } from '../test/support/sandbox.js';
import { describeMachine, dropCaches, median, must, saveResult, wallMs } from './measure.js';

const { values } = parseArgs({
  options: {
    wheels: { type: 'string' },
    python: { type: 'string', default: '3.11' },
    rounds: { type: 'string', default: '5' },
  },
});
const clients = 4;
const threadCounts = [1, 2, 4, 8];

const sandbox = await Sandbox.make();
try {
  const { baseExecutable } = await discoverInterpreter(values.python);
  const source = values.wheels ? ['--no-index', '--find-links', values.wheels] : [];
  await sandbox.expect('create', 'demo', '--python', baseExecutable, ...source, ...bigSet);
  const client = sandbox.path('fsclient');
  await must('cc', ['-O2', '-o', client, join(projectRoot, 'bench/clients/fsclient.c')]);
  const rows = [];
  for (const threads of threadCounts) {
    const mountpoint = await sandbox.mount('kernel', `mnt${threads}`, '--threads', String(threads));
    const list = sandbox.path('list');
    await writeFile(list, await must(client, ['collect', join(mountpoint, 'demo')]));
    const samples: number[] = [];
    for (let round = 0; round < Number(values.rounds); round += 1) {
      await dropCaches();
      const start = Date.now();
      await Promise.all(Array.from({ length: clients }, () => wallMs(client, ['walk', list, '1'])));
      samples.push(Date.now() - start);
    }
    await sandbox.expect('unmount', mountpoint);
    rows.push({
      threads,
      medianMs: median(samples),
      minMs: Math.min(...samples),
      maxMs: Math.max(...samples),
    });
    process.stdout.write(`${threads} threads: median ${median(samples)} ms of ${samples.join(', ')}\n`);
  }
  await saveResult('threads', { ...(await describeMachine()), clients, rounds: Number(values.rounds), rows });
} finally {
  await sandbox.destroy();
}
