import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundledWheels, interpreterOf, minors, skip } from '../support/interpreters.js';
import { mountedTest } from '../support/mounts.js';
import { writeSampleWheels } from '../support/sample-wheels.js';
import type { Sandbox } from '../support/sandbox.js';

interface ListedImage {
  name: string;
  version: string;
  wheel: string;
}

async function imagesOf(sandbox: Sandbox, name: string): Promise<ListedImage[]> {
  return JSON.parse(await sandbox.expect('store', 'list', name, '--json')) as ListedImage[];
}

mountedTest(
  'environments of Python 3.8 to 3.13 in one mount import from one store',
  async (t, { sandbox, mountpoint }) => {
    const wheels = await writeSampleWheels(sandbox);
    let made = 0;
    for (const minor of minors) {
      const probe = await interpreterOf(minor);
      if (!probe) {
        t.log(`left out: there is no Python ${minor} here`);
        continue;
      }
      const source = ['--no-index', '--find-links', wheels, '--without-pip'];
      await sandbox.expect('create', `py${minor}`, 'alpha', '--python', probe.baseExecutable, ...source);
      const python = join(mountpoint, `py${minor}`, 'bin', 'python');
      const script = [
        'import sys, alpha, beta, space.one, space.two',
        'from importlib.metadata import version, files',
        'assert sys.prefix != sys.base_prefix',
        'assert alpha.__file__.startswith(sys.prefix), alpha.__file__',
        'assert all(f.locate().exists() for f in files("alpha"))',
        'print("%d.%d" % sys.version_info[:2], version("alpha"), version("beta"))',
      ].join('\n');
      const { stdout, stderr } = await sandbox.run(python, ['-c', script]);
      t.is(stdout, `${minor} 1.0 2.0\n`, stderr);
      made += 1;
    }
    t.true(made > 0);
    for (const name of ['alpha', 'beta']) t.is((await imagesOf(sandbox, name)).length, 1, name);
    t.is((JSON.parse(await sandbox.expect('list', '--json')) as unknown[]).length, made);
  },
);

mountedTest(
  "the wheels that an interpreter's ensurepip carries run from the mount",
  async (t, { sandbox, mountpoint }) => {
    const probe = (await interpreterOf('3.11')) ?? (await interpreterOf('3.10'));
    if (!probe?.ensurepipWheel) return skip(t, 'no interpreter with ensurepip is here');
    await sandbox.expect('store', 'add', ...(await bundledWheels(probe)));
    await sandbox.expect('create', 'demo', '--python', probe.baseExecutable);
    const bin = join(mountpoint, 'demo', 'bin');
    const list = await sandbox.run(join(bin, 'python'), ['-m', 'pip', 'list', '--format=freeze']);
    t.regex(list.stdout, /^pip==/m, list.stderr);
    const version = await sandbox.run(join(bin, 'pip'), ['--version']);
    t.true(version.stdout.includes(mountpoint), version.stderr);
    t.is((await sandbox.run(join(bin, `pip${probe.minor}`), ['check'])).status, 0);
    const [pip] = await imagesOf(sandbox, 'pip');
    t.truthy(pip);
  },
);

mountedTest('activating sets PATH and the prompt', async (t, { sandbox, mountpoint }) => {
  await sandbox.expect('create', 'two words', '--without-pip');
  const activate = join(mountpoint, 'two words', 'bin', 'activate');
  const shown = await sandbox.run('bash', [
    '-c',
    '. "$1" && command -v python && echo "$VIRTUAL_ENV"',
    '-',
    activate,
  ]);
  t.is(shown.stdout, `${mountpoint}/two words/bin/python\n${mountpoint}/two words\n`, shown.stderr);
  t.regex(
    await readFile(join(mountpoint, 'two words', 'pyvenv.cfg'), 'utf8'),
    /include-system-site-packages = false/,
  );
});
