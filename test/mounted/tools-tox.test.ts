import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { anyInterpreter } from '../support/interpreters.js';
import { program, projectRoot, type Sandbox } from '../support/sandbox.js';
import { sharedMount } from '../support/shared-mount.js';
import { keepBytecodeAside, must } from '../support/twins.js';

const plugin = join(projectRoot, 'mount-scripts/tox/toxfile.py');

/** A project whose tests need the project itself, pytest, and in one of two environments a plugin. */
const mountedCase = sharedMount(async ({ sandbox, mountpoint }) => {
  keepBytecodeAside(sandbox);
  const { baseExecutable } = await anyInterpreter();
  await sandbox.expect('create', 'toxer', '--python', baseExecutable, '--no-bytecode', 'tox');
  const { variables } = sandbox;
  Object.assign(variables, { SHENV_FS: `${process.execPath} ${program}`, SHENV_MOUNT: mountpoint });
  variables.TOX_OVERRIDE = 'testenv.pass_env=PYTHONPYCACHEPREFIX';
  await writeProject(sandbox);
  return { tox: join(mountpoint, 'toxer', 'bin', 'tox') };
});

async function writeProject(sandbox: Sandbox): Promise<void> {
  const backend = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n';
  const test = 'import sys, tiny\ndef test_prefix():\n    print(sys.prefix, tiny.__file__, tiny.STATE)\n';
  const files = {
    'pyproject.toml': `${backend}[project]\nname = "tiny"\nversion = "1.0"\ndependencies = ["iniconfig"]\n`,
    'src/tiny/__init__.py': 'STATE = "first"\n',
    'tests/test_tiny.py': test,
    'tests/mock/test_mock.py': 'def test_mock(mocker):\n    assert mocker\n',
    'requirements.txt': 'pytest\npytest-mock\n',
    'tox.ini': [
      '[tox]',
      'env_list = plain, mock',
      '[testenv]',
      'runner = shenv-fs',
      'wheel_build_env = .pkg',
      'deps = pytest',
      'commands = pytest -q -s -p no:cacheprovider {posargs:tests/test_tiny.py}',
      '[testenv:mock]',
      'package = skip',
      'set_env = PYTHONPATH = src',
      'deps = -r requirements.txt',
      'commands = pytest -q -s -p no:cacheprovider {posargs:tests}',
      '',
    ].join('\n'),
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(sandbox.path('tiny', path)), { recursive: true });
    await writeFile(sandbox.path('tiny', path), text);
  }
  await copyFile(plugin, sandbox.path('tiny', 'toxfile.py'));
}

interface Listed {
  name: string;
  distributions: number;
}

const settings = (sandbox: Sandbox) => ['-c', sandbox.path('tiny', 'tox.ini')];

mountedCase(
  'tox tests a project in two mounted environments, with the project installed in one',
  async (t, { sandbox, mountpoint, tox }) => {
    const run = await sandbox.run(tox, ['run', ...settings(sandbox)]);
    t.is(run.status, 0, run.stdout + run.stderr);
    const [plain, mock] = [join(mountpoint, 'tiny-plain'), join(mountpoint, 'tiny-mock')];
    t.true(run.stdout.includes(`${plain} ${plain}/lib/`), run.stdout);
    t.true(run.stdout.includes('first'), run.stdout);
    t.true(run.stdout.includes(`${mock} ${sandbox.path('tiny')}/src/`), run.stdout);
    t.regex(run.stdout, /1 passed[\s\S]*2 passed/);
  },
);

mountedCase(
  'tox leaves an environment alone until its requirements change, and makes one anew that is gone',
  async (t, { sandbox, mountpoint, tox }) => {
    const again = () => must(sandbox, tox, 'run', ...settings(sandbox), '-e', 'mock');
    const listed = async () => {
      const environments = JSON.parse(await sandbox.expect('list', '--json')) as Listed[];
      return environments.find(({ name }) => name === 'tiny-mock')!;
    };
    const before = await listed();
    await again();
    t.deepEqual(await listed(), before);

    await writeFile(sandbox.path('tiny', 'requirements.txt'), 'pytest\npytest-mock\ntoolz\n');
    await again();
    t.is((await listed()).distributions, before.distributions + 1);

    await sandbox.expect('delete', 'tiny-mock');
    t.regex(await again(), /2 passed/);
    t.regex(await readFile(join(mountpoint, 'tiny-mock/pyvenv.cfg'), 'utf8'), /^home = /m);
  },
);

mountedCase('tox installs the project anew when its sources changed', async (t, { sandbox, tox }) => {
  await writeFile(sandbox.path('tiny', 'src', 'tiny', '__init__.py'), 'STATE = "second"\n');
  const shown = await must(sandbox, tox, 'run', ...settings(sandbox), '-e', 'plain');
  t.regex(shown, /lib\S+ second/);
});
