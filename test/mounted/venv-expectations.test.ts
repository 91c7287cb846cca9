import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { anyInterpreter, minors, requireInterpreter } from '../support/interpreters.js';
import type { Sandbox } from '../support/sandbox.js';
import { sharedMount } from '../support/shared-mount.js';
import { must, Twins } from '../support/twins.js';
import { writeWheel } from '../support/wheel-builder.js';

/** Prints, as JSON, where this interpreter believes to be. */
const whereAmI = [
  'import json, site, sys, sysconfig',
  'print(json.dumps({"prefix": sys.prefix, "exec_prefix": sys.exec_prefix, "base": sys.base_prefix,',
  '  "base_exec": sys.base_exec_prefix, "path": sys.path, "executable": sys.executable,',
  '  "based_on": getattr(sys, "_base_executable", None), "flags": repr(sys.flags),',
  '  "user": getattr(site, "ENABLE_USER_SITE", None), "site": site.getsitepackages(),',
  '  "paths": sysconfig.get_paths(), "schemes": sysconfig.get_scheme_names(),',
  '  "order": getattr(sys, "order", None)}, sort_keys=True, default=str))',
].join('\n');

/** Distributions whose .pth files add folders to sys.path and note the order of their import lines. */
async function writePathWheels(sandbox: Sandbox): Promise<string> {
  const folder = sandbox.path('pth-wheels');
  const note = (text: string) => `import sys; sys.order = getattr(sys, "order", []) + ["${text}"]\n`;
  const pth: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    zulu: { 'a-zulu.pth': `${note('a-zulu 1')}zulu_extra\n${note('a-zulu 2')}`, 'Upper.pth': note('Upper') },
    alpha: {
      'm-alpha.pth': `# comment\n\nmissing\nalpha_extra\n${note('m-alpha')}`,
      '_under.pth': note('_'),
    },
    mike: {
      'b-mike.pth': `mike_extra\r\n${note('b-mike')}`,
      'm-alpha-2.pth': `${note('m-alpha-2')}alpha_extra`,
    },
  };
  for (const [name, files] of Object.entries(pth)) {
    const extra = { [`${name}_extra/${name}_module.py`]: `NAME = "${name}"\n` };
    await writeWheel(folder, { name, version: '1.0', files: { ...files, ...extra } });
  }
  return folder;
}

const mountedCase = sharedMount(async (shared) => {
  const wheels = await writePathWheels(shared.sandbox);
  const probe = await anyInterpreter();
  const requirements = ['zulu', 'alpha', 'mike'];
  return { probe, twins: await Twins.make(shared, { name: 'demo', probe, requirements, wheels }) };
});

for (const minor of minors) {
  mountedCase(
    `Python ${minor} sees prefix, site-packages and every path of sysconfig as in a venv on disk`,
    async (t, shared) => {
      const probe = await requireInterpreter(t, minor);
      if (!probe) return;
      for (const systemSitePackages of [false, true]) {
        const name = `py${minor}${systemSitePackages ? '-system' : ''}`;
        const twins = await Twins.make(shared, { name, probe, systemSitePackages });
        const { mounted, plain } = await twins.ask('{}/bin/python', '-c', whereAmI);
        t.is(mounted.stdout, plain.stdout, mounted.stderr);
        const seen = JSON.parse(mounted.stdout) as { prefix: string; base: string };
        t.is(seen.prefix, '<env>');
        t.not(seen.base, seen.prefix);
        const cfg = await readFile(join(twins.mounted, 'pyvenv.cfg'), 'utf8');
        t.true(cfg.includes(`include-system-site-packages = ${systemSitePackages}`));
      }
    },
  );
}

mountedCase(
  'folders and import lines of .pth files of several distributions come in the order of a venv on disk',
  async (t, { twins }) => {
    const { mounted, plain } = await twins.ask('{}/bin/python', '-c', whereAmI);
    t.is(mounted.stdout, plain.stdout, mounted.stderr);
    const { path, order } = JSON.parse(mounted.stdout) as { path: string[]; order: string[] };
    // site.py reads the folder of a venv twice, and its import lines run each time.
    t.deepEqual(order.slice(0, 7), ['Upper', '_', 'a-zulu 1', 'a-zulu 2', 'b-mike', 'm-alpha-2', 'm-alpha']);
    t.deepEqual(
      path.slice(-3).map((folder) => folder.split('/').at(-1)),
      ['zulu_extra', 'mike_extra', 'alpha_extra'],
    );
  },
);

for (const flag of ['-I', '-S', '-s', '-E', '-B', '-O']) {
  mountedCase(`python ${flag} sees what it sees in a venv on disk`, async (t, { twins }) => {
    const { mounted, plain } = await twins.ask('{}/bin/python', flag, '-c', whereAmI);
    t.is(mounted.status, 0, mounted.stderr);
    t.is(mounted.stdout, plain.stdout);
  });
}

mountedCase(
  'bin/python through a link from elsewhere, to itself or to its environment, is as in a venv on disk',
  async (t, { sandbox, twins }) => {
    for (const [kind, root] of [
      ['mounted', twins.mounted],
      ['plain', twins.plain],
    ] as const) {
      await mkdir(sandbox.path('links', kind), { recursive: true });
      await symlink(join(root, 'bin', 'python'), sandbox.path('links', kind, 'python'));
      await symlink(root, sandbox.path('links', kind, 'env'));
    }
    for (const program of ['python', 'env/bin/python']) {
      const [mounted, plain] = await Promise.all(
        ['mounted', 'plain'].map((kind) =>
          must(sandbox, sandbox.path('links', kind, program), '-c', whereAmI),
        ),
      );
      const neutral = (text: string, kind: string, root: string) =>
        text.replaceAll(sandbox.path('links', kind), '<links>').replaceAll(root, '<env>');
      t.is(neutral(mounted!, 'mounted', twins.mounted), neutral(plain!, 'plain', twins.plain), program);
    }
  },
);

mountedCase(
  'python -m venv of a mounted Python makes a venv elsewhere whose base is the real interpreter',
  async (t, { sandbox, twins, probe }) => {
    const target = sandbox.path('made-from-mounted');
    await must(sandbox, join(twins.mounted, 'bin', 'python'), '-m', 'venv', target);
    const script = 'import pip, sys; print(sys.prefix, sys.base_prefix, sys._base_executable)';
    const seen = (await must(sandbox, join(target, 'bin', 'python'), '-c', script)).trim().split(' ');
    const base = await must(sandbox, probe.baseExecutable, '-c', 'import sys; print(sys.prefix)');
    t.deepEqual(seen.slice(0, 2), [target, base.trim()]);
    t.false(seen[2]!.startsWith(twins.mounted));
    t.false((await readFile(join(target, 'pyvenv.cfg'), 'utf8')).includes(`home = ${twins.mounted}`));
  },
);

mountedCase(
  'with the system site packages visible pip does not install into the home of the user instead',
  async (t, shared) => {
    const { sandbox, probe } = shared;
    const source = ['--no-index', '--find-links', sandbox.path('pth-wheels')];
    const python = ['--python', probe.baseExecutable, '--no-bytecode', '--system-site-packages'];
    await sandbox.expect('create', 'system', ...python);
    const user = sandbox.path('user');
    const run = await sandbox.run('env', [
      `PYTHONUSERBASE=${user}`,
      join(shared.mountpoint, 'system', 'bin', 'python'),
      ...['-m', 'pip', 'install', ...source, 'zulu'],
    ]);
    t.is(run.status, 1, run.stdout);
    t.regex(run.stderr, /Read-only file system/);
  },
);
