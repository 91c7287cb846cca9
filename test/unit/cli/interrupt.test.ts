import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, stat, truncate, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { unless } from '../../../src/base/errors.js';
import { header } from '../../../src/image/format.js';
import { DamagedImage } from '../../support/image-damage.js';
import { eventually } from '../../support/mounts.js';
import { program, Sandbox } from '../../support/sandbox.js';
import { writeWheel } from '../../support/wheel-builder.js';

interface Interrupted {
  status: number | null;
  stderr: string;
}

/** Runs `shenv-fs` as a terminal does, and sends its whole process group SIGINT as soon as `when` holds. */
async function interrupt(
  t: ExecutionContext,
  sandbox: Sandbox,
  args: readonly string[],
  when: (pid: number) => Promise<boolean>,
): Promise<Interrupted> {
  const env = { ...sandbox.variables, TMPDIR: sandbox.path('tmp') };
  const child = spawn(process.execPath, [program, ...args], {
    env,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += String(text);
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  t.teardown(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL');
  });
  await eventually(
    async () => (await when(child.pid!)) || child.exitCode !== null,
    'the command has begun',
    60_000,
  );
  process.kill(-child.pid!, 'SIGINT');
  return { status: await ended, stderr };
}

const filesOf = async (folder: string) => (await unless('ENOENT', readdir(folder))) ?? [];

async function nothingLeft(t: ExecutionContext, sandbox: Sandbox): Promise<void> {
  t.deepEqual(await filesOf(sandbox.path('home', 'environments')), []);
  t.deepEqual(await filesOf(sandbox.path('home', 'tmp')), []);
  t.deepEqual(await filesOf(sandbox.path('home', 'store', 'v1', 'tmp')), []);
  t.deepEqual(await filesOf(sandbox.path('tmp')), []);
}

async function prepare(t: ExecutionContext): Promise<{ sandbox: Sandbox; args: string[] }> {
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy());
  await mkdir(sandbox.path('tmp'));
  await writeWheel(sandbox.path('wheels'), { name: 'big', files: { 'big.bin': randomBytes(150 << 20) } });
  const source = ['--without-pip', '--no-index', '--find-links', sandbox.path('wheels')];
  return { sandbox, args: ['create', 'demo', 'big', ...source] };
}

test.serial('Ctrl-C while pip resolves leaves no environment and no temporary file', async (t) => {
  const { sandbox, args } = await prepare(t);
  // What it may say is pip's to read.
  await writeFile(sandbox.path('constraints.txt'), '');
  args.push('-c', sandbox.path('constraints.txt'));
  const resolving = async () => (await filesOf(sandbox.path('tmp'))).some((name) => name.includes('resolve'));
  const { status, stderr } = await interrupt(t, sandbox, args, resolving);
  await nothingLeft(t, sandbox);
  t.is(status, 130, stderr);
  t.regex(stderr, /interrupted; nothing was changed/);
});

test.serial('Ctrl-C while a wheel is added leaves no environment and no temporary file', async (t) => {
  const { sandbox, args } = await prepare(t);
  const staging = async () => (await filesOf(sandbox.path('home', 'store', 'v1', 'tmp'))).length > 0;
  const { status, stderr } = await interrupt(t, sandbox, args, staging);
  await nothingLeft(t, sandbox);
  t.is(status, 130, stderr);
});

test.serial(
  'Ctrl-C while the interpreter is probed leaves no environment and no temporary file',
  async (t) => {
    const { sandbox } = await prepare(t);
    const capturing = async () =>
      (await filesOf(sandbox.path('tmp'))).some((name) => name.includes('skeleton'));
    const { status, stderr } = await interrupt(t, sandbox, ['create', 'demo', '--without-pip'], capturing);
    t.is(status, 130, stderr);
    await nothingLeft(t, sandbox);
  },
);

test.serial('Ctrl-C while a store is verified ends at once and changes nothing', async (t) => {
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy());
  const wheel = await writeWheel(sandbox.path('wheels'), {
    name: 'big',
    files: { 'zz/zz/big.bin': randomBytes(1 << 20) },
  });
  await sandbox.expect('store', 'add', wheel);
  const [{ path }] = JSON.parse(await sandbox.expect('store', 'list', '--json')) as [{ path: string }];
  await makeHuge(path);
  const reading = async (pid: number) => {
    const links = (await filesOf(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`));
    return (await Promise.allSettled(links)).some(
      (link) => link.status === 'fulfilled' && link.value === path,
    );
  };
  const before = await stat(path);
  const { status, stderr } = await interrupt(t, sandbox, ['store', 'verify'], reading);
  t.is(status, 130, stderr);
  t.regex(stderr, /interrupted; nothing was changed/);
  t.is((await stat(path)).mtimeMs, before.mtimeMs);
});

/** Makes the last file of an image, deepest in its tree, one of 256 GiB without using disk: nobody reads it to its end. */
async function makeHuge(path: string): Promise<void> {
  const sizeBytes = 2 ** 38;
  const image = new DamagedImage(await readFile(path));
  const node = image.find('big.bin');
  const start = image.data.readBigUInt64LE(image.node(node, 'contentOffset'));
  for (const field of ['sizeBytes', 'storedBytes'] as const)
    image.data.writeBigUInt64LE(BigInt(sizeBytes), image.node(node, field));
  const contents = image.offset('contents');
  const fileBytes = Math.ceil((Number(start) + sizeBytes) / 4096) * 4096;
  image.data.writeBigUInt64LE(BigInt(fileBytes), header.fileBytes);
  image.setLength('contents', fileBytes - contents);
  await writeFile(path, image.sign().subarray(0, contents));
  await truncate(path, fileBytes);
}
