import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mountedTest } from '../support/mounts.js';
import { writeSampleWheels } from '../support/sample-wheels.js';
import { compareTrees, readTree } from '../support/tree.js';

/** What only a mount has: why it cannot be written. */
const sealedNotice = ['pip.conf', 'pip-notice.txt'];

async function timesOf(root: string, paths: Iterable<string>): Promise<Map<string, bigint>> {
  const times = new Map<string, bigint>();
  for (const path of paths) times.set(path, (await lstat(join(root, path), { bigint: true })).mtimeNs);
  return times;
}

mountedTest(
  'an exported venv is what a mount at the same path shows: names, modes, contents and times',
  async (t, { sandbox, engine }) => {
    const wheels = await writeSampleWheels(sandbox);
    const source = ['--no-index', '--find-links', wheels, '--without-pip'];
    await sandbox.expect('create', 'demo', 'alpha', ...source);
    const venv = await sandbox.mount(engine, 'venv', '--env', 'demo');
    const mounted = await readTree(venv);
    for (const name of sealedNotice) t.true(mounted.delete(name), name);
    const mountedTimes = await timesOf(venv, mounted.keys());
    await sandbox.expect('unmount', venv);
    await mkdir(venv, { recursive: true });
    await sandbox.expect('export', 'demo', venv);
    const exported = await readTree(venv);
    t.deepEqual(compareTrees(mounted, exported), []);
    t.true([...exported.keys()].some((path) => path.endsWith('.pyc')));
    t.deepEqual(await timesOf(venv, exported.keys()), mountedTimes);
    const { stdout, stderr } = await sandbox.run(`${venv}/bin/python`, [
      '-c',
      'import alpha; print(alpha.VERSION)',
    ]);
    t.is(stdout, '1.0\n', stderr);
  },
);
