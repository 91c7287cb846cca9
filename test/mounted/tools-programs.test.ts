import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { anyInterpreter } from '../support/interpreters.js';
import type { Sandbox } from '../support/sandbox.js';
import { sharedMount } from '../support/shared-mount.js';
import { keepBytecodeAside, must } from '../support/twins.js';
import { writeWheel } from '../support/wheel-builder.js';

const requirements = ['build', 'pytest', 'pytest-mock', 'django', 'jupyter_core', 'sphinx'];
const kernelSpec = '{"argv": ["python"], "display_name": "greeter", "language": "python"}';

/** One environment of real tools, and of a wheel with a console script, a gui script and a Jupyter kernel. */
const mountedCase = sharedMount(async ({ sandbox, mountpoint }) => {
  keepBytecodeAside(sandbox);
  const greeter = await writeWheel(sandbox.path('wheels'), {
    name: 'greeter',
    version: '1.0',
    entryPoints: '[console_scripts]\ngreet = greeter:main\n[gui_scripts]\ngreet-gui = greeter:main\n',
    files: {
      'greeter.py': 'import sys\ndef main():\n    print(sys.argv[0], *sys.argv[1:])\n    return 3\n',
      'greeter-1.0.data/data/share/jupyter/kernels/greeter/kernel.json': kernelSpec,
    },
  });
  const { baseExecutable } = await anyInterpreter();
  await sandbox.expect(
    'create',
    'tools',
    '--python',
    baseExecutable,
    '--no-bytecode',
    greeter,
    ...requirements,
  );
  const root = join(mountpoint, 'tools');
  return { root, bin: join(root, 'bin') };
});

/** Writes files, given by path below the sandbox. */
async function write(sandbox: Sandbox, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(sandbox.path(path)), { recursive: true });
    await writeFile(sandbox.path(path), text);
  }
}

mountedCase(
  'python -m build makes a wheel, with a venv of its own elsewhere',
  async (t, { sandbox, bin }) => {
    const settings = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n';
    await write(sandbox, {
      'project/pyproject.toml': `${settings}[project]\nname = "tiny"\nversion = "1.0"\n`,
      'project/tiny.py': '',
    });
    await must(sandbox, join(bin, 'python'), '-m', 'build', '--wheel', sandbox.path('project'));
    t.deepEqual(await readdir(sandbox.path('project', 'dist')), ['tiny-1.0-py3-none-any.whl']);
  },
);

mountedCase('pytest lists and uses a plugin that its entry point names', async (t, { sandbox, bin }) => {
  const lines = ['import os', 'def test_plugin(mocker):', '    mocker.patch("os.getcwd", return_value="/x")'];
  await write(sandbox, { 'tests/test_plugin.py': [...lines, '    assert os.getcwd() == "/x"\n'].join('\n') });
  const run = await sandbox.run(join(bin, 'pytest'), ['-p', 'no:cacheprovider', sandbox.path('tests')]);
  t.is(run.status, 0, run.stdout);
  t.regex(run.stdout, /^plugins: .*mock-/m);
  t.regex(run.stdout, /1 passed/);
});

mountedCase(
  'django-admin starts a project from its templates, and manage.py checks it',
  async (t, { sandbox, bin }) => {
    const site = sandbox.path('site');
    await mkdir(site);
    await must(sandbox, join(bin, 'django-admin'), 'startproject', 'pages', site);
    t.deepEqual((await readdir(site)).sort(), ['manage.py', 'pages']);
    t.regex(await must(sandbox, join(bin, 'python'), join(site, 'manage.py'), 'check'), /no issues/);
  },
);

mountedCase("jupyter finds the environment's share/jupyter", async (t, { sandbox, root, bin }) => {
  const shown = JSON.parse(await must(sandbox, join(bin, 'jupyter'), '--paths', '--json')) as {
    data: string[];
    config: string[];
  };
  t.true(shown.data.includes(join(root, 'share/jupyter')), shown.data.join());
  t.true(shown.config.includes(join(root, 'etc/jupyter')), shown.config.join());
  const spec = join(root, 'share/jupyter/kernels/greeter/kernel.json');
  t.is(await readFile(spec, 'utf8'), kernelSpec);
});

mountedCase('sphinx-build finds its themes and renders', async (t, { sandbox, bin }) => {
  await write(sandbox, {
    'docs/conf.py': 'project = "tiny"\nextensions = ["sphinx.ext.autodoc"]\n',
    'docs/index.rst': 'Title\n=====\n\n.. automodule:: greeter\n   :members:\n   :undoc-members:\n',
  });
  await must(sandbox, join(bin, 'sphinx-build'), '-q', '-W', sandbox.path('docs'), sandbox.path('html'));
  t.regex(await readFile(sandbox.path('html', 'index.html'), 'utf8'), /greeter\.main/);
});

for (const script of ['greet', 'greet-gui']) {
  mountedCase(`the script ${script} runs and gives its exit status`, async (t, { sandbox, bin }) => {
    const run = await sandbox.run(join(bin, script), ['one', 'two words']);
    t.is(run.stdout, `${join(bin, script)} one two words\n`, run.stderr);
    t.is(run.status, 3);
  });
}
