import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { anyInterpreter, skip } from '../support/interpreters.js';
import { writePackages } from '../support/packages.js';
import type { Sandbox } from '../support/sandbox.js';
import { sharedMount } from '../support/shared-mount.js';
import { must } from '../support/twins.js';
import { WritableTwins } from '../support/writable-twins.js';

/** The tools themselves are on the disk; undefined where no index gives them. */
async function installTools(sandbox: Sandbox): Promise<string | undefined> {
  const { baseExecutable } = await anyInterpreter();
  const tools = sandbox.path('tools');
  await must(sandbox, baseExecutable, '-I', '-m', 'venv', tools);
  const install = ['-m', 'pip', 'install', '-q', 'uv', 'virtualenv', 'tox'];
  const { status } = await sandbox.run(join(tools, 'bin/python'), install);
  return status === 0 ? join(tools, 'bin') : undefined;
}

const mountedCase = sharedMount(async (shared) => {
  const { sandbox } = shared;
  const { folder, source } = await writePackages(sandbox);
  sandbox.variables.UV_CACHE_DIR = sandbox.path('uv-cache');
  sandbox.variables.UV_PYTHON_DOWNLOADS = 'never';
  await mkdir(sandbox.path('plain'));
  return { source, wheels: folder, tools: await installTools(sandbox) };
});

mountedCase('python -m venv makes its folder in the root of the mount itself', async (t, shared) => {
  const twins = await WritableTwins.none(shared, 'made');
  await twins.both(twins.probe.baseExecutable, '-I', '-m', 'venv', '{}');
  await twins.areEqual(t);
  await twins.pip('install', '-q', ...shared.source, 'alpha');
  await twins.areEqual(t);
  t.true((await readdir(shared.mountpoint)).includes('made'));
});

mountedCase('virtualenv makes an environment in the mount', async (t, shared) => {
  if (!shared.tools) return skip(t, 'virtualenv cannot be had here');
  const twins = await WritableTwins.none(shared, 'virtual');
  const seed = ['--app-data', shared.sandbox.path('app-data'), '--no-periodic-update'];
  await twins.both(join(shared.tools, 'virtualenv'), '-q', ...seed, '-p', twins.probe.baseExecutable, '{}');
  await twins.areEqual(t);
});

mountedCase('uv pip installs, syncs and uninstalls', async (t, shared) => {
  if (!shared.tools) return skip(t, 'uv cannot be had here');
  const uv = join(shared.tools, 'uv');
  const { source, sandbox } = shared;
  const twins = await WritableTwins.make(shared, {
    name: 'uv',
    wheels: shared.wheels,
    requirements: ['beta==1.0'],
  });
  const pip = (...args: string[]) => twins.both(uv, 'pip', ...args, '-q', '--python', '{}/bin/python');
  await pip('install', ...source, 'alpha==1.0');
  await twins.areEqual(t);
  await pip('install', ...source, '-U', 'alpha', 'beta');
  await twins.areEqual(t);
  await writeFile(sandbox.path('wanted.txt'), 'gamma==1.0\nbeta==1.0\n');
  await pip('sync', ...source, sandbox.path('wanted.txt'));
  await twins.areEqual(t);
  await pip('uninstall', 'gamma');
  await twins.areEqual(t);
});

for (const mode of ['copy', 'symlink', 'hardlink'])
  mountedCase(`uv links with --link-mode ${mode}, falling back as it must`, async (t, shared) => {
    if (!shared.tools) return skip(t, 'uv cannot be had here');
    const twins = await WritableTwins.make(shared, { name: `uv-${mode}`, wheels: shared.wheels });
    const place = ['--link-mode', mode, '--python', '{}/bin/python'];
    await twins.both(join(shared.tools, 'uv'), 'pip', 'install', '-q', ...place, ...shared.source, 'alpha');
    await twins.areEqual(t);
  });

mountedCase('tox works in a folder of the mount', async (t, shared) => {
  if (!shared.tools) return skip(t, 'tox cannot be had here');
  const { sandbox } = shared;
  const settings = [
    '[tox]',
    'env_list = one',
    'skipsdist = true',
    '[testenv]',
    'deps = alpha',
    'package = skip',
  ];
  const find = `install_command = python -m pip install ${shared.source.join(' ')} {opts} {packages}`;
  const commands = 'commands = python -c "import alpha, sys; print(alpha.VERSION, sys.prefix)"';
  await mkdir(sandbox.path('project'));
  await writeFile(sandbox.path('project', 'tox.ini'), [...settings, find, commands, ''].join('\n'));
  const twins = await WritableTwins.none(shared, 'toxes');
  const run = ['run', '-c', sandbox.path('project', 'tox.ini'), '--workdir', '{}'];
  const { mounted } = await twins.both(join(shared.tools, 'tox'), ...run);
  t.regex(mounted, /2\.0 <env>\/one/);
  const { plain } = await twins.both(join(shared.tools, 'tox'), ...run);
  t.regex(plain, /congratulations/);
});
