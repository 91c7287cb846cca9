import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { sandboxOf } from '../support/mounts.js';
import { withModule } from '../support/packages.js';
import type { Sandbox } from '../support/sandbox.js';
import { compareTrees, readTree } from '../support/tree.js';
import { writeWheel } from '../support/wheel-builder.js';

const members = 30;
const children = 20;
const distributions = 100;

/** Reads a module again and again through the mount until its input ends, and tells what it has seen. */
const worker = `
import core, json, select, sys
held = open(core.__file__)
print("ready", core.VERSION, flush=True)
seen = set()
while not select.select([sys.stdin], [], [], 0.02)[0]:
    with open(core.__file__) as file:
        seen.add(file.read())
print(json.dumps([core.VERSION, held.read(), sorted(seen)]), flush=True)
`;

const text = (version: string) => `VERSION = "${version}"\n`;

async function startWorker(t: ExecutionContext, root: string): Promise<ChildProcess> {
  const child = spawn(join(root, 'bin/python'), ['-I', '-c', worker], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await once(lines, 'line')) as [string];
  t.is(line, 'ready 1.0');
  return child;
}

async function endWorker(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout! });
  const said = once(lines, 'line') as Promise<[string]>;
  child.stdin!.end();
  return (await said)[0];
}

async function create(sandbox: Sandbox, name: string, ...options: string[]): Promise<void> {
  await sandbox.expect('create', name, '--without-pip', '--no-bytecode', ...options);
}

test.serial(
  `an upgrade of ${members} environments disturbs no process in them, and goes back bit for bit`,
  async (t) => {
    const sandbox = await sandboxOf(t);
    const folder = sandbox.path('wheels');
    for (const version of ['1.0', '2.0']) await writeWheel(folder, withModule({ name: 'core', version }));
    const source = ['--no-index', '--find-links', folder];
    await create(sandbox, 'e0', 'core<3', ...source);
    await sandbox.expect('install', 'e0', 'core==1.0', '--no-deps', ...source);
    await sandbox.expect('install', 'e0', 'core', ...source);
    const names = Array.from({ length: members }, (_, index) => `e${index}`);
    for (const name of names.slice(1)) await sandbox.expect('clone', 'e0', name);
    const mountpoint = await sandbox.mount('auto');
    const roots = names.map((name) => join(mountpoint, name));
    const before = await Promise.all(roots.map((root) => readTree(root)));
    const workers = await Promise.all(roots.map((root) => startWorker(t, root)));
    await sandbox.expect('upgrade', 'core', '--everywhere', ...source);
    for (const root of roots) {
      const { stdout } = await sandbox.run(join(root, 'bin/python'), [
        '-I',
        '-c',
        'import core; print(core.VERSION)',
      ]);
      t.is(stdout.trim(), '2.0', root);
    }
    const [change] = JSON.parse(await sandbox.expect('history', '--json')) as { id: string }[];
    await sandbox.expect('rollback', '--change', change!.id);
    const said = await Promise.all(workers.map(endWorker));
    for (const line of said) {
      const [loaded, held, seen] = JSON.parse(line) as [string, string, string[]];
      t.deepEqual([loaded, held], ['1.0', text('1.0')], 'what is loaded and open stays what it was');
      t.deepEqual(seen, [text('1.0'), text('2.0')], 'whole files, old and new');
    }
    const after = await Promise.all(roots.map((root) => readTree(root)));
    after.forEach((tree, index) => {
      t.deepEqual(compareTrees(before[index]!, tree), []);
    });
  },
);

test.serial(
  `a change of a parent with ${distributions} distributions shows in ${children} children when the command returns`,
  async (t) => {
    const sandbox = await sandboxOf(t);
    const folder = sandbox.path('wheels');
    const names = Array.from({ length: distributions }, (_, index) => `part${index}`);
    for (const name of names) await writeWheel(folder, withModule({ name, version: '1.0' }));
    await writeWheel(folder, withModule({ name: 'part7', version: '2.0' }));
    const source = ['--no-index', '--find-links', folder];
    await create(sandbox, 'base', ...names.map((name) => `${name}==1.0`), ...source);
    const heirs = Array.from({ length: children }, (_, index) => `child${index}`);
    for (const name of heirs) await create(sandbox, name, '--inherit', 'base');
    const mountpoint = await sandbox.mount('auto');
    const versionIn = async (name: string) => {
      const library = join(mountpoint, name, 'lib64');
      const [minor = ''] = (await sandbox.run('ls', [library])).stdout.trim().split('\n');
      return readFile(join(library, minor, 'site-packages/part7.py'), 'utf8');
    };
    for (const name of heirs) t.is(await versionIn(name), text('1.0'));
    await sandbox.expect('install', 'base', 'part7==2.0', ...source);
    for (const name of heirs) t.is(await versionIn(name), text('2.0'), name);
  },
);
