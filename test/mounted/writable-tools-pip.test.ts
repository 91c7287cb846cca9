import { mkdir, writeFile } from 'node:fs/promises';
import { writePackages } from '../support/packages.js';
import type { Sandbox } from '../support/sandbox.js';
import { sharedMount } from '../support/shared-mount.js';
import { writeWheel } from '../support/wheel-builder.js';
import { WritableTwins } from '../support/writable-twins.js';

/** An in-tree backend, so that nothing has to be fetched: an editable wheel is one .pth and its metadata (PEP 660). */
const backend = `
import base64, hashlib, os, zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    files = {
        "_local.pth": os.path.abspath("src") + "\\n",
        "local-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: local\\nVersion: 1.0\\n",
        "local-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: tree\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append("%s,sha256=%s,%d\\n" % (path, digest, len(text)))
    files["local-1.0.dist-info/RECORD"] = "".join(rows) + "local-1.0.dist-info/RECORD,,\\n"
    with zipfile.ZipFile(os.path.join(folder, "local-1.0-py3-none-any.whl"), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return "local-1.0-py3-none-any.whl"
`;
const project = `[build-system]
requires = []
build-backend = "tree_backend"
backend-path = ["."]
[project]
name = "local"
version = "1.0"
`;

async function writeProject(sandbox: Sandbox): Promise<string> {
  const folder = sandbox.path('local');
  await mkdir(`${folder}/src/local`, { recursive: true });
  await writeFile(`${folder}/pyproject.toml`, project);
  await writeFile(`${folder}/tree_backend.py`, backend);
  await writeFile(`${folder}/src/local/__init__.py`, 'STATE = "first"\n');
  return folder;
}

/** `gamma` needs `delta` and an old `beta`; the first is of the store, the others come by pip. */
const mountedCase = sharedMount(async (shared) => {
  delete shared.sandbox.variables.PYTHONDONTWRITEBYTECODE;
  const { folder, source } = await writePackages(shared.sandbox);
  await writeWheel(folder, {
    name: 'wide',
    version: '1.0',
    entryPoints: '[console_scripts]\nwide = wide:main\n',
    files: {
      'wide/__init__.py': 'def main():\n    print("wide runs")\n',
      ...Object.fromEntries(
        Array.from({ length: 40 }, (_, at) => [`wide/part${at % 5}/m${at}.py`, `X = ${at}\n`]),
      ),
    },
  });
  const requirements = ['beta==1.0', 'wide'];
  return { source, twins: await WritableTwins.make(shared, { name: 'demo', wheels: folder, requirements }) };
});

mountedCase('what is there before any tool ran is the same', async (t, { twins }) => {
  await twins.areEqual(t);
});

mountedCase(
  'pip install puts distributions in, which import and are listed',
  async (t, { twins, source }) => {
    await twins.pip('install', '-q', ...source, 'alpha==1.0');
    await twins.areEqual(t);
    const { mounted, plain } = await twins.pip('list', '--format', 'json');
    t.deepEqual(JSON.parse(mounted), JSON.parse(plain));
    const seen = await twins.both(
      '{}/bin/python',
      '-c',
      'import alpha; print(alpha.__file__, alpha.VERSION)',
    );
    t.is(seen.mounted, seen.plain);
  },
);

mountedCase(
  'pip install -U replaces a distribution of the store and one that pip installed',
  async (t, { twins, source }) => {
    await twins.pip('install', '-q', ...source, 'alpha==1.0', 'beta==1.0');
    await twins.pip('install', '-q', '-U', ...source, 'alpha', 'beta');
    await twins.areEqual(t);
    const seen = await twins.both(
      '{}/bin/python',
      '-c',
      'import alpha, beta; print(alpha.VERSION, beta.VERSION)',
    );
    t.is(seen.mounted, '2.0 2.0\n');
  },
);

mountedCase('pip install --force-reinstall of what the store has', async (t, { twins, source }) => {
  await twins.pip('install', '-q', '--force-reinstall', '--no-deps', ...source, 'wide');
  await twins.areEqual(t);
  t.is((await twins.both('{}/bin/wide')).mounted, 'wide runs\n');
});

mountedCase(
  'pip uninstall takes a distribution of the store away, and install brings it again',
  async (t, { twins, source }) => {
    await twins.pip('uninstall', '-q', '-y', 'wide');
    await twins.areEqual(t);
    await twins.pip('install', '-q', ...source, 'wide');
    await twins.areEqual(t);
  },
);

mountedCase('pip install -e of a project shows what is edited there', async (t, { sandbox, twins }) => {
  const folder = await writeProject(sandbox);
  await twins.pip('install', '-q', '--no-index', '--no-build-isolation', '-e', folder);
  await twins.areEqual(t);
  await writeFile(`${folder}/src/local/__init__.py`, 'STATE = "second, edited"\n');
  t.is(
    (await twins.both('{}/bin/python', '-c', 'import local; print(local.STATE)')).mounted,
    'second, edited\n',
  );
  await twins.pip('uninstall', '-q', '-y', 'local');
  await twins.areEqual(t);
});

mountedCase('pip that uninstalls itself and comes back by ensurepip', async (t, { twins }) => {
  await twins.pip('uninstall', '-q', '-y', 'pip');
  await twins.areEqual(t);
  await twins.both('{}/bin/python', '-m', 'ensurepip');
  await twins.areEqual(t);
});

mountedCase(
  'python -m compileall writes bytecode for everything, which is then valid',
  async (t, { twins }) => {
    await twins.both('{}/bin/python', '-m', 'compileall', '-q', '-f', '{}/lib');
    await twins.areEqual(t);
    const check =
      'import wide.part0, sys; print(wide.part0.__cached__ if hasattr(wide.part0, "__cached__") else "")';
    t.truthy(await twins.both('{}/bin/python', '-W', 'ignore', '-c', check));
  },
);
