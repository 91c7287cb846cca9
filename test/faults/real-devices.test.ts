import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Finished, run } from '../../src/base/run.js';
import { storeLayout } from '../../src/store/layout.js';
import { anyInterpreter, skip } from '../support/interpreters.js';
import { sandboxOf } from '../support/mounts.js';
import type { Sandbox } from '../support/sandbox.js';
import { writeWheel } from '../support/wheel-builder.js';

const deviceBytes = 4 << 20;
const mountMs = 20_000;
const packages = { modules: 60, bytes: 6_000 };

/** Mounts something at `path`, which is unmounted when the test ends; false where that is not allowed. */
async function mountAt(t: ExecutionContext, path: string, ...options: string[]): Promise<boolean> {
  await mkdir(path, { recursive: true });
  const { status, stderr } = await run('mount', [...options, path], { timeoutMs: mountMs });
  if (status !== 0) {
    skip(t, `this process cannot mount: ${stderr.trim()}`);
    return false;
  }
  t.teardown(async () => {
    await run('umount', ['-l', '--', path], { timeoutMs: mountMs });
  });
  return true;
}

/** A home and a store on a small file system of their own; undefined where that is not allowed. */
async function smallSandbox(t: ExecutionContext): Promise<Sandbox | undefined> {
  const sandbox = await sandboxOf(t);
  const device = sandbox.path('device');
  if (!(await mountAt(t, device, '-t', 'tmpfs', '-o', `size=${deviceBytes}`, 'tmpfs'))) return undefined;
  sandbox.variables.SHENV_HOME = join(device, 'home');
  sandbox.variables.SHENV_STORE = join(device, 'store');
  return sandbox;
}

async function writeSources(folder: string, version: string): Promise<string> {
  const files: Record<string, string> = {};
  for (let index = 0; index < packages.modules; index += 1)
    files[`big/m${index}.py`] = `TEXT = """${version}${'x'.repeat(packages.bytes)}"""\n`;
  return writeWheel(folder, { name: 'big', version, files });
}

/** Fills the file system until `leftBytes` are left. */
async function fill(device: string, leftBytes: number): Promise<string> {
  const { bavail, bsize } = await statfs(device);
  const path = join(device, 'filler');
  await writeFile(path, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes)));
  return path;
}

/** One sentence of cause with its code, and no stack. */
function assertTold(t: ExecutionContext, { status, stderr }: Finished, pattern: RegExp): void {
  t.not(status, 0);
  t.regex(stderr, /^shenv-fs: .* \[[A-Z_]+\]$/m);
  t.regex(stderr, pattern);
  t.notRegex(stderr, /^\s+at |UNEXPECTED/m);
}

async function assertNothingStaged(t: ExecutionContext, { variables }: Sandbox): Promise<void> {
  const { staging, leases } = storeLayout(variables.SHENV_STORE!);
  t.deepEqual(await readdir(staging), []);
  t.deepEqual(await readdir(leases), []);
}

test('on a full file system an image that does not fit leaves nothing, and fits when there is room', async (t) => {
  const sandbox = await smallSandbox(t);
  if (!sandbox) return;
  const wheel = await writeSources(sandbox.path('wheels'), '1.0');
  const filler = await fill(sandbox.path('device'), 200_000);
  assertTold(t, await sandbox.shenv('store', 'add', wheel), /\/store\/v1\/.* \[ENOSPC\]/);
  await assertNothingStaged(t, sandbox);
  await rm(filler);
  await sandbox.expect('store', 'add', wheel);
});

test('on a full file system the Pythons that compile fail, no environment appears, and it does when there is room', async (t) => {
  const sandbox = await smallSandbox(t);
  if (!sandbox) return;
  const wheels = sandbox.path('wheels');
  const wheel = await writeSources(wheels, '1.0');
  await sandbox.expect('store', 'add', wheel);
  const python = (await anyInterpreter()).baseExecutable;
  const create = ['create', 'demo', 'big', '--no-index', '-f', wheels, '--without-pip', '--python', python];
  await sandbox.expect('create', 'first', ...create.slice(2), '--no-bytecode');
  const filler = await fill(sandbox.path('device'), 150_000);
  assertTold(t, await sandbox.shenv(...create), /No space left on device|ENOSPC/);
  await assertNothingStaged(t, sandbox);
  const names = JSON.parse(await sandbox.expect('list', '--json')) as { name: string }[];
  t.deepEqual(
    names.map(({ name }) => name),
    ['first'],
  );
  await rm(filler);
  await sandbox.expect(...create);
  await sandbox.expect('show', 'demo');
});

test('on a full file system environments can be deleted and gc makes room', async (t) => {
  const sandbox = await smallSandbox(t);
  if (!sandbox) return;
  const wheels = sandbox.path('wheels');
  await writeSources(wheels, '1.0');
  const python = (await anyInterpreter()).baseExecutable;
  const source = ['--no-index', '-f', wheels, '--without-pip', '--no-bytecode', '--python', python];
  await sandbox.expect('create', 'demo', 'big', ...source);
  await fill(sandbox.path('device'), 0);
  await sandbox.expect('delete', 'demo');
  await sandbox.expect('store', 'gc', '--older-than', '0');
  await sandbox.expect('store', 'gc', '--older-than', '0');
  t.is(await sandbox.expect('store', 'list'), 'No images.\n');
});

test('on a read-only file system nothing is changed, what is there is shown, and the command works when it is not', async (t) => {
  const sandbox = await sandboxOf(t);
  const home = sandbox.path('home');
  if (!(await mountAt(t, home, '--bind', home))) return;
  const wheels = sandbox.path('wheels');
  await writeWheel(wheels, { name: 'leaf', version: '1.0', files: { 'leaf.py': 'LEAF = 1\n' } });
  const python = (await anyInterpreter()).baseExecutable;
  const source = ['--no-index', '-f', wheels, '--without-pip', '--no-bytecode', '--python', python];
  await sandbox.expect('create', 'demo', 'leaf', ...source);
  await sandbox.run('mount', ['-o', 'remount,bind,ro', home], mountMs);
  for (const args of [
    ['create', 'other', 'leaf', ...source],
    ['remove', 'demo', 'leaf'],
    ['clone', 'demo', 'copy'],
    ['delete', 'demo'],
    ['store', 'gc', '--older-than', '0'],
  ]) {
    const finished = await sandbox.shenv(...args);
    if (args[0] !== 'store') assertTold(t, finished, /\/home\/.*\[(EROFS|STORE_UNUSABLE)\]/);
    else if (finished.status !== 0) assertTold(t, finished, /\/home/);
  }
  t.regex(await sandbox.expect('show', 'demo'), /leaf/);
  await sandbox.run('mount', ['-o', 'remount,bind,rw', home], mountMs);
  await sandbox.expect('create', 'other', 'leaf', ...source);
  await sandbox.expect('delete', 'demo');
});
