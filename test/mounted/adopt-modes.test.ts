import { join } from 'node:path';
import { anyInterpreter } from '../support/interpreters.js';
import { writePackages } from '../support/packages.js';
import { program, type Sandbox } from '../support/sandbox.js';
import { sharedMount } from '../support/shared-mount.js';
import { writeWheel } from '../support/wheel-builder.js';

const mountedCase = sharedMount(async ({ sandbox }) => {
  delete sandbox.variables.PYTHONDONTWRITEBYTECODE;
  const { folder, source } = await writePackages(sandbox);
  await writeWheel(folder, {
    name: 'deep',
    version: '1.0',
    requires: ['alpha'],
    entryPoints: '[console_scripts]\ndeep = deep:main\n',
    files: { 'deep/__init__.py': 'def main():\n    pass\n', 'deep/inner/part.py': 'X = 1\n' },
  });
  return { source };
});

for (const umask of ['002', '077']) {
  mountedCase(
    `what was installed under umask ${umask} shows the same when it is adopted`,
    async (t, shared) => {
      const { sandbox, mountpoint, source } = shared;
      const name = `under-${umask}`;
      const path = join(mountpoint, name);
      const { baseExecutable } = await anyInterpreter();
      const install = [baseExecutable, '-m', 'pip', '--python', join(path, 'bin/python'), 'install', '-q'];
      await under(sandbox, umask, [baseExecutable, '-I', '-m', 'venv', '--without-pip', path]);
      await under(sandbox, umask, [...install, ...source, 'deep']);
      const before = await list(sandbox, path);
      t.true(before.some((line) => / f (664|600) .*deep\/inner\/part\.py$/.test(line)));
      t.true(before.some((line) => / d (775|700) .*deep\/inner$/.test(line)));
      // The command waits until what was written just now is old enough.
      t.true(await adoptAll(sandbox, umask, name));
      t.deepEqual(await list(sandbox, path), before);
      const { status } = await sandbox.run(join(path, 'bin/deep'), []);
      t.is(status, 0);
    },
  );
}

async function under(sandbox: Sandbox, umask: string, command: readonly string[]): Promise<string> {
  const script = 'umask "$0" && exec "$@"';
  const { status, stdout, stderr } = await sandbox.run('sh', ['-c', script, umask, ...command]);
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Whether all is in the store then. */
async function adoptAll(sandbox: Sandbox, umask: string, name: string): Promise<boolean> {
  await under(sandbox, umask, [process.execPath, program, 'adopt', name]);
  const upper = join(sandbox.variables.SHENV_HOME!, 'environments', name, 'upper/tree');
  const { status, stdout } = await sandbox.run('find', [upper, '-type', 'f']);
  return status === 0 && stdout === '';
}

/** Type, mode, time and size of everything; bytecode of the store has another size. */
async function list(sandbox: Sandbox, path: string): Promise<string[]> {
  const { stdout } = await sandbox.run('find', [path, '-printf', '%T@ %s %y %m %l %P\\n']);
  const lines = stdout.split('\n').map((line) => line.replace(/^(\S+) \d+ (?=d|.*\.pyc$)/, '$1 '));
  return lines.sort();
}
