import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { requireInterpreter } from '../support/interpreters.js';
import { mountedTest } from '../support/mounts.js';
import { movableInterpreter, moveInterpreter } from '../support/movable-interpreter.js';
import { createDemo, writePackages } from '../support/packages.js';
import { must } from '../support/project.js';

mountedTest(
  'an environment runs with its moved interpreter as soon as repair returns',
  async (t, { sandbox, mountpoint }) => {
    const probe = await requireInterpreter(t, '3.11');
    if (!probe) return;
    const { source } = await writePackages(sandbox);
    const executable = await movableInterpreter(sandbox, probe, 'first');
    await createDemo(sandbox, 'alpha', '--python', executable, ...source);
    const python = join(mountpoint, 'demo/bin/python');
    const link = join(mountpoint, 'demo/bin/python3');
    const code = 'import alpha, sys; print(alpha.VERSION, sys.base_prefix)';
    t.is(await readlink(link), executable);
    t.is(await must(sandbox, python, '-c', code), `2.0 ${sandbox.path('pythons/first')}\n`);
    const later = await moveInterpreter(sandbox, executable, 'second');
    await t.throwsAsync(sandbox.run(python, ['-c', code]), { code: 'ENOENT' });
    await sandbox.expect('repair', 'demo');
    t.is(await readlink(link), later);
    t.is(await must(sandbox, python, '-c', code), `2.0 ${sandbox.path('pythons/second')}\n`);
  },
);

mountedTest(
  'another minor version is to be seen when repair returns, the files of the one before are not',
  async (t, { sandbox, mountpoint }) => {
    const [before, after] = [await requireInterpreter(t, '3.11'), await requireInterpreter(t, '3.12')];
    if (!before || !after) return;
    const { source } = await writePackages(sandbox);
    await sandbox.expect(
      'create',
      'demo',
      'alpha',
      '--without-pip',
      '--python',
      before.baseExecutable,
      ...source,
    );
    const python = join(mountpoint, 'demo/bin/python');
    const ask = () =>
      must(sandbox, python, '-c', 'import alpha, sys; print(sys.version_info[1], alpha.__cached__)');
    const cached = (minor: string) =>
      join(mountpoint, `demo/lib/python3.${minor}/site-packages/__pycache__/alpha.cpython-3${minor}.pyc`);
    t.is(await ask(), `11 ${cached('11')}\n`);
    await sandbox.expect('repair', 'demo', '--python', after.baseExecutable);
    t.is(await ask(), `12 ${cached('12')}\n`);
    const names = await must(sandbox, python, '-c', 'import os, sys; print(os.listdir(sys.prefix + "/lib"))');
    t.is(names, "['python3.12']\n");
  },
);
