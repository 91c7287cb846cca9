import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { sha256 } from '../../../src/base/digest.js';
import { header } from '../../../src/image/format.js';
import { Image } from '../../../src/image/read.js';
import { DamagedImage } from '../../support/image-damage.js';
import { anyInterpreter, minors, requireInterpreter } from '../../support/interpreters.js';
import { sandboxOf } from '../../support/mounts.js';
import { fails } from '../../support/packages.js';
import { createSample } from '../../support/sample-wheels.js';
import type { Sandbox } from '../../support/sandbox.js';
import { compareTrees, readTree } from '../../support/tree.js';

const packHeaderBytes = 48;

/** A packed environment; from now on the sandbox is another machine. */
async function packed(t: ExecutionContext): Promise<{ sandbox: Sandbox; file: string }> {
  const sandbox = await sandboxOf(t);
  await createSample(sandbox, 'demo', '--python', (await anyInterpreter()).baseExecutable);
  const file = sandbox.path('demo.shenv');
  await sandbox.expect('pack', 'demo', file);
  sandbox.variables.SHENV_HOME = sandbox.path('other-home');
  return { sandbox, file };
}

/** Files of the other machine's home, but for what it knows of interpreters. */
async function kept(sandbox: Sandbox): Promise<string[]> {
  const tree = await readTree(sandbox.path('other-home')).catch(() => new Map());
  const files = [...tree].filter(([, { kind }]) => kind === 'file').map(([path]) => path as string);
  return files.filter((path) => !path.startsWith('interpreters/'));
}

async function imagesOf(home: string): Promise<Image[]> {
  const paths = [...(await readTree(home)).keys()].filter((path) => path.endsWith('.img'));
  return Promise.all(paths.sort().map((path) => Image.open(`${home}/${path}`)));
}

/** Where the images of a pack start. */
const startOf = (pack: Buffer) => packHeaderBytes + pack.readUInt32LE(12);

test('what is unpacked is the same tree, from images with serials of this store', async (t) => {
  const { sandbox, file } = await packed(t);
  const venv = sandbox.path('venv');
  sandbox.variables.SHENV_HOME = sandbox.path('home');
  await sandbox.expect('export', 'demo', venv);
  const before = await readTree(venv);
  await rm(venv, { recursive: true });
  sandbox.variables.SHENV_HOME = sandbox.path('other-home');
  t.regex(
    await sandbox.expect('unpack', file, '--python', (await anyInterpreter()).baseExecutable),
    /Unpacked 'demo' .*: 2 distributions, 2 new/,
  );
  await sandbox.expect('export', 'demo', venv);
  const code = 'import alpha; print(alpha.VERSION)';
  t.is((await sandbox.run(`${venv}/bin/python`, ['-c', code])).stdout, '1.0\n');
  t.deepEqual(compareTrees(before, await readTree(venv)), []);
  const [here, there] = [await imagesOf(sandbox.path('home')), await imagesOf(sandbox.path('other-home'))];
  t.deepEqual(
    there.map(({ wheelDigest }) => wheelDigest),
    here.map(({ wheelDigest }) => wheelDigest),
  );
  const claimed = await readdir(sandbox.path('other-home', 'store', 'v1', 'serials'));
  t.deepEqual(there.map(({ serial }) => String(serial)).sort(), claimed.sort());
});

test('images that the store has are not added again, and a second environment gets another name', async (t) => {
  const { sandbox, file } = await packed(t);
  await sandbox.expect('unpack', file);
  await fails(t, sandbox, { code: 'ENVIRONMENT_EXISTS', says: /'demo'/ }, 'unpack', file);
  t.regex(await sandbox.expect('unpack', file, 'second'), /Unpacked 'second' .*, 0 new/);
});

test('a file is never written over', async (t) => {
  const sandbox = await sandboxOf(t);
  await createSample(sandbox, 'demo');
  await writeFile(sandbox.path('mine'), 'mine');
  await fails(t, sandbox, { code: 'TARGET_UNUSABLE', says: /is there already/ }, 'pack', 'demo', 'mine');
  t.is(await readFile(sandbox.path('mine'), 'utf8'), 'mine');
});

test('a pack with any damage is refused, and nothing of it stays', async (t) => {
  const { sandbox, file } = await packed(t);
  const pack = await readFile(file);
  const flipped = (at: number) => {
    const copy = Buffer.from(pack);
    copy[at]! ^= 1;
    return copy;
  };
  const start = startOf(pack);
  const places = (place: string) => pack.indexOf(place, start);
  const damaged: [string, Buffer, RegExp][] = [
    ['no pack', Buffer.from('hello'), /no packed environment/],
    ['magic', flipped(0), /no packed environment/],
    ['version', flipped(8), /version/],
    ['index', flipped(packHeaderBytes + 20), /digest/],
    ['image header', flipped(start + 30), /the image of .*digest/],
    ['names of an image', flipped(places('beta.py')), /the image of .*'names'/],
    [
      'contents of a file',
      flipped(places('TWO = 2')),
      /the image of beta 2\.0: the contents of 'site\/space\/two\.py'/,
    ],
    ['cut off', pack.subarray(0, pack.length - 1), /bytes, not/],
    ['cut off in the index', pack.subarray(0, start - 1), /ends within its index/],
    ['longer', Buffer.concat([pack, Buffer.from('x')]), /bytes, not/],
  ];
  for (const [name, data, says] of damaged) {
    await writeFile(file, data);
    t.log(name);
    await fails(t, sandbox, { code: 'PACK_DAMAGED', says }, 'unpack', file);
    t.deepEqual(await kept(sandbox), [], name);
  }
});

/** The pack with one image changed, and with every digest that does not come from the wheel made right again. */
function forge(pack: Buffer, name: string, change: (image: DamagedImage) => void): Buffer {
  const forged = Buffer.from(pack);
  for (let at = startOf(pack); at < pack.length; ) {
    const lengthBytes = Number(pack.readBigUInt64LE(at + header.fileBytes));
    const image = Image.parse(pack.subarray(at, at + lengthBytes), name);
    if (image.meta.name === name) {
      const damaged = new DamagedImage(pack.subarray(at, at + lengthBytes));
      change(damaged);
      damaged.sign().copy(forged, at);
    }
    at += lengthBytes;
  }
  return forged;
}

test('an image that was changed with all of its digests is not what its RECORD says', async (t) => {
  const { sandbox, file } = await packed(t);
  const pack = await readFile(file);
  const forged = forge(pack, 'beta', (image) => {
    const node = image.find('two.py');
    const at = Number(image.data.readBigUInt64LE(image.node(node, 'contentOffset')));
    const sizeBytes = Number(image.data.readBigUInt64LE(image.node(node, 'sizeBytes')));
    image.data.write('TWO = 3', at);
    const digest = sha256(image.data.subarray(at, at + sizeBytes));
    image.data.write(
      digest,
      image.offset('digests') + image.data.readUInt32LE(image.node(node, 'digestIndex')) * 32,
      'hex',
    );
  });
  await writeFile(file, forged);
  const says = /the image of beta 2\.0: 'site\/space\/two\.py' is not what RECORD says/;
  await fails(t, sandbox, { code: 'PACK_DAMAGED', says }, 'unpack', file);
  t.deepEqual(await kept(sandbox), []);
});

test('an image whose meta section names another folder than its metadata is refused', async (t) => {
  const { sandbox, file } = await packed(t);
  const forged = forge(await readFile(file), 'beta', (image) => {
    const section = image.data.subarray(image.offset('meta'), image.offset('meta') + image.length('meta'));
    const at = section.indexOf('beta-2.0.dist-info');
    section.write('../../../dist-info', at);
  });
  await writeFile(file, forged);
  await fails(t, sandbox, { code: 'PACK_DAMAGED', says: /\.dist-info is no folder/ }, 'unpack', file);
  t.deepEqual(await kept(sandbox), []);
});

test('an interpreter of another minor version is refused with the remedy', async (t) => {
  const { sandbox, file } = await packed(t);
  const { minor } = await anyInterpreter();
  const other = await requireInterpreter(t, minors.find((item) => item !== minor)!);
  if (!other) return;
  const says = /The environment is of cpython .*--python/s;
  await fails(
    t,
    sandbox,
    { code: 'INTERPRETER_MISSING', says },
    'unpack',
    file,
    '--python',
    other.baseExecutable,
  );
  t.deepEqual(await kept(sandbox), []);
});

test('a file that is not there is told as such', async (t) => {
  await fails(t, await sandboxOf(t), { code: 'USAGE', says: /no file/ }, 'unpack', 'nothing.shenv');
});
