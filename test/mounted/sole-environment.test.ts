import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Digest } from '../../src/base/brands.js';
import { Environments } from '../../src/env/environments.js';
import { isMounted } from '../../src/mount/mountpoint.js';
import { findMountOf, reloadMounts } from '../../src/mount/runtime.js';
import { engines, eventually, mountOrSkip, sandboxOf } from '../support/mounts.js';
import { createSample } from '../support/sample-wheels.js';
import type { Sandbox } from '../support/sandbox.js';
import { killDaemon } from '../support/supervised.js';

interface Status {
  pid: number;
  mountpoint: string;
  environment?: string;
  environments: number;
  failures: Record<string, string>;
}

const noWheel = '0'.repeat(64) as Digest;

interface Sole {
  sandbox: Sandbox;
  /** The mount point, which is the environment `web`. */
  root: string;
  engine: string;
}

const statusOf = async (sandbox: Sandbox) => JSON.parse(await sandbox.expect('status', '--json')) as Status[];

/** One test for each engine, with the environment `web` (alpha and beta) mounted alone at a project's `.venv`. */
function soleTest(title: string, body: (t: ExecutionContext, sole: Sole) => Promise<void>): void {
  for (const engine of engines) {
    test.serial(`${engine}: ${title}`, async (t) => {
      const sandbox = await sandboxOf(t);
      await createSample(sandbox, 'web');
      const root = await mountOrSkip(t, sandbox, engine, 'project/.venv', '--env', 'web');
      if (root) await body(t, { sandbox, root, engine });
    });
  }
}

soleTest(
  'the mount point is the environment, and all its files name that path',
  async (t, { sandbox, root }) => {
    t.deepEqual(
      (await readdir(root)).filter((name) => name !== 'include'),
      ['bin', 'lib', 'lib64', 'pip-notice.txt', 'pip.conf', 'pyvenv.cfg'],
    );
    const code = 'import sys, alpha; print(sys.prefix, sys.prefix != sys.base_prefix, alpha.__file__)';
    const { stdout, stderr } = await sandbox.run(join(root, 'bin/python'), ['-c', code]);
    const [library = ''] = (await readdir(join(root, 'lib'))).map((name) => join(root, 'lib', name));
    t.is(stdout, `${root} True ${library}/site-packages/alpha/__init__.py\n`, stderr);
    t.is((await sandbox.run(join(root, 'bin/alpha'), ['one'])).stdout, 'alpha runs one\n');
    t.is((await sandbox.run(join(root, 'bin/alpha-tool'), [])).stdout, `${root}\n`);
    t.regex(await readFile(join(root, 'bin/alpha'), 'utf8'), new RegExp(`^#!${root}/bin/python\n`));
    const config = await readFile(join(root, 'pyvenv.cfg'), 'utf8');
    t.regex(config, /^home = \//m);
    for (const path of config.match(/\S*\.venv\S*/g) ?? []) t.is(path, root);
  },
);

soleTest(
  'activate makes the mount point VIRTUAL_ENV and prompts with the name',
  async (t, { sandbox, root }) => {
    const script = '. "$1/bin/activate" && echo "$VIRTUAL_ENV" && command -v python && echo "$PS1"';
    const { stdout, stderr } = await sandbox.run('bash', ['-c', script, 'bash', root]);
    const [environment, python, prompt] = stdout.split('\n');
    t.is(environment, root, stderr);
    t.is(python, `${root}/bin/python`);
    t.regex(prompt!, /^\(web\) /);
  },
);

soleTest(
  'pip lists what is in it, and RECORD describes its scripts',
  async (t, { sandbox, root, engine }) => {
    await sandbox.expect('unmount', root);
    await sandbox.expect('delete', 'web');
    await sandbox.expect('create', 'web', 'alpha', '--no-index', '--find-links', sandbox.path('wheels'));
    await sandbox.expect('mount', root, '--env', 'web', '--engine', engine);
    const pip = join(root, 'bin/pip');
    const { stdout, stderr } = await sandbox.run(pip, [
      'list',
      '--format=freeze',
      '--disable-pip-version-check',
    ]);
    t.deepEqual(
      stdout.split('\n').filter((line) => /^(alpha|beta)/.test(line)),
      ['alpha==1.0', 'beta==2.0'],
      stderr,
    );
    const files = await sandbox.run(pip, ['show', '-f', 'alpha', '--disable-pip-version-check']);
    t.regex(files.stdout, /\.\.\/bin\/alpha-tool/);
  },
);

/** Publishes a generation of `name` with the layers of `from`, as a command that changes an environment would. */
async function takeOver(sandbox: Sandbox, name: string, from: string): Promise<void> {
  const home = sandbox.path('home');
  const environments = new Environments(home);
  const [old, wanted] = [await environments.read(name), await environments.read(from)];
  const generation = old.generation + 1;
  const layers = wanted.layers.map((layer, index) => {
    const kept = old.layers.find(({ image }) => image.wheelDigest === layer.image.wheelDigest);
    return { ...layer, slot: kept?.slot ?? old.nextSlot + index };
  });
  await environments.commit({ ...old, generation, layers, nextSlot: old.nextSlot + layers.length });
  await reloadMounts(sandbox.path('run'), home);
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

soleTest('a new generation is shown when the mounts were told of it', async (t, { sandbox, root }) => {
  const [library = ''] = (await readdir(join(root, 'lib'))).map((name) => join(root, 'lib', name));
  const site = join(library, 'site-packages');
  const source = ['--no-index', '--find-links', sandbox.path('wheels'), '--without-pip', '--no-bytecode'];
  await sandbox.expect('create', 'small', 'beta', ...source);
  t.true(await exists(join(root, 'bin/alpha')));
  t.true((await readdir(site)).includes('alpha'));
  await takeOver(sandbox, 'web', 'small');
  t.false(await exists(join(root, 'bin/alpha')));
  t.false((await readdir(join(root, 'bin'))).includes('alpha'));
  t.deepEqual(
    (await readdir(site)).filter((name) => !name.endsWith('.dist-info')),
    ['beta.py', 'space'],
  );
  t.deepEqual(await readdir(join(site, 'space')), ['two.py']);
});

soleTest(
  'a new generation that is damaged is named in status, and the one before stays',
  async (t, { sandbox, root }) => {
    const [home, runtime] = [sandbox.path('home'), sandbox.path('run')];
    const later = (generation: number) => join(home, 'environments/web', `0000000${generation}.manifest`);
    const manifest = await new Environments(home).read('web');
    const gone = { ...manifest.layers[0]!, image: { ...manifest.layers[0]!.image, wheelDigest: noWheel } };
    await new Environments(home).commit({ ...manifest, generation: 2, layers: [gone] });
    await reloadMounts(runtime, home);
    t.is((await sandbox.run(join(root, 'bin/alpha'), [])).stdout, 'alpha runs\n', 'an image is missing');
    await writeFile(later(3), 'damaged');
    await reloadMounts(runtime, home);
    t.is((await sandbox.run(join(root, 'bin/alpha'), [])).stdout, 'alpha runs\n', 'the manifest is damaged');
    const [status] = await statusOf(sandbox);
    t.deepEqual(Object.keys(status!.failures), ['web']);
  },
);

soleTest('other environments come and go without a trace', async (t, { sandbox, root }) => {
  const before = await readdir(root);
  await sandbox.expect('create', 'other', '--without-pip');
  await sandbox.expect('delete', 'other');
  t.deepEqual(await readdir(root), before);
  const [status] = await statusOf(sandbox);
  t.is(status!.environments, 1);
  t.true(await isMounted(root));
});

soleTest('status and the record of the daemon name the environment', async (t, { sandbox, root }) => {
  const [status] = await statusOf(sandbox);
  t.is(status!.mountpoint, root);
  t.is(status!.environment, 'web');
  t.true((await sandbox.expect('status', root)).includes("'web' alone"));
  await sandbox.expect('unmount', root);
  t.deepEqual(await readdir(root), []);
  t.deepEqual(await statusOf(sandbox), []);
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

soleTest(
  'after the daemon was killed, mount at the same place works again, whatever the kernel has cached',
  async (t, { sandbox, root, engine }) => {
    await stat(join(root, 'pyvenv.cfg'));
    await killDaemon(sandbox);
    t.true((await sandbox.expect('status')).includes(`shenv-fs mount --env web ${root}`));
    t.is(await findMountOf(sandbox.path('run'), sandbox.path('home'), 'web'), undefined);
    await sandbox.expect('mount', root, '--env', 'web', '--engine', engine);
    t.is((await sandbox.run(join(root, 'bin/alpha'), [])).stdout, 'alpha runs\n');
  },
);

async function ended(t: ExecutionContext, { sandbox, root }: Sole, { pid }: Status): Promise<void> {
  await eventually(async () => !isRunning(pid), 'the daemon has ended');
  t.false(await isMounted(root));
  t.deepEqual(await readdir(root), []);
  t.deepEqual(await statusOf(sandbox), []);
}

soleTest('the mount and its daemon end when the environment is deleted', async (t, sole) => {
  const [status] = await statusOf(sole.sandbox);
  await sole.sandbox.expect('delete', 'web');
  t.false(await isMounted(sole.root), 'it is gone when the command returns');
  await ended(t, sole, status!);
});

soleTest('the mount ends when the environment vanishes without a command', async (t, sole) => {
  const [status] = await statusOf(sole.sandbox);
  await rename(sole.sandbox.path('home/environments/web'), sole.sandbox.path('moved'));
  await ended(t, sole, status!);
});

soleTest(
  'a process in an environment that is deleted gets errors, and its place can be mounted again',
  async (t, { sandbox, root, engine }) => {
    const shell = spawn('sh', [], { cwd: root, stdio: ['pipe', 'pipe', 'ignore'] });
    t.teardown(async () => {
      if (shell.exitCode !== null || shell.signalCode !== null) return;
      shell.kill('SIGKILL');
      await once(shell, 'exit');
    });
    const lines = shell.stdout.setEncoding('utf8');
    const ask = async (line: string) => {
      shell.stdin.write(`${line}; echo "status $?"\n`);
      const [answer] = (await once(lines, 'data', { signal: AbortSignal.timeout(30_000) })) as [string];
      return answer;
    };
    t.is(await ask('cat pyvenv.cfg >/dev/null'), 'status 0\n');
    const [first] = await statusOf(sandbox);
    await sandbox.expect('delete', 'web');
    t.regex(await ask('cat pyvenv.cfg >/dev/null'), /^status [1-9]/);
    t.regex(await ask('test -e bin/never-looked-up'), /^status 1/);
    t.deepEqual(await statusOf(sandbox), []);
    await createSample(sandbox, 'web');
    await sandbox.mount(engine, 'project/.venv', '--env', 'web');
    const second = (await statusOf(sandbox))[0]!.pid;
    shell.stdin.end();
    await eventually(async () => !isRunning(first!.pid), 'the first daemon has ended');
    t.is((await statusOf(sandbox))[0]!.pid, second, 'the end of the first takes nothing from the second');
    t.is((await sandbox.run(join(root, 'bin/alpha'), [])).stdout, 'alpha runs\n');
  },
);

soleTest(
  'an environment is mounted alone and among all at once, each with its own paths',
  async (t, { sandbox, root, engine }) => {
    const all = await sandbox.mount(engine);
    for (const place of [root, join(all, 'web')]) {
      const { stdout, stderr } = await sandbox.run(join(place, 'bin/alpha-tool'), []);
      t.is(stdout, `${place}\n`, stderr);
    }
    const [runtime, home] = [sandbox.path('run'), sandbox.path('home')];
    t.is(await findMountOf(runtime, home, 'web'), join(all, 'web'), 'a mount of all is preferred');
    await sandbox.expect('unmount', all);
    t.is(await findMountOf(runtime, home, 'web'), root);
    t.is(await findMountOf(runtime, home, 'other'), undefined);
    t.is(await findMountOf(runtime, sandbox.path('elsewhere'), 'web'), undefined);
    t.is((await sandbox.run(join(root, 'bin/alpha-tool'), [])).stdout, `${root}\n`);
  },
);

for (const engine of engines) {
  test.serial(
    `${engine}: an environment that does not exist is refused before anything is made`,
    async (t) => {
      const sandbox = await sandboxOf(t);
      const mountpoint = sandbox.path('.venv');
      const { status, stderr } = await sandbox.shenv('mount', mountpoint, '--env', 'web', '--engine', engine);
      t.is(status, 33, stderr);
      t.regex(stderr, /There is no environment 'web' \[ENVIRONMENT_MISSING\]/);
      t.false(await exists(mountpoint));
    },
  );
}

test.serial('with --env the default place is .venv in the current folder', async (t) => {
  const sandbox = await sandboxOf(t);
  await sandbox.expect('create', 'web', '--without-pip');
  const engine = engines.at(-1)!;
  if (!(await mountOrSkip(t, sandbox, engine, '.venv', '--env', 'web'))) return;
  await sandbox.expect('unmount', '.venv');
  await sandbox.expect('mount', '--env', 'web', '--engine', engine);
  t.true(await isMounted(sandbox.path('.venv')));
});
