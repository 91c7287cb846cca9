import { chmodSync, readdirSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { pack, packFramed } from '../../../src/base/msgpack.js';
import { writeNumbers } from '../../../src/env/adopt/numbers.js';
import { decodeTimes, encodeTimes, type Times } from '../../../src/env/adopt/times.js';
import { differing, PipMade, writeAdoptable } from '../../support/pip-made.js';

/** An environment that pip filled while the umask was this one; it stays so for the rest of the test. */
async function madeUnder(t: ExecutionContext, umask: number): Promise<PipMade> {
  const before = process.umask(umask);
  t.teardown(() => process.umask(before));
  const made = await PipMade.make(t);
  await writeAdoptable(made);
  await made.create('demo', 'alpha==1.0');
  return made;
}

/** What an upper layer has but folders and links. */
async function filesOf(made: PipMade): Promise<string[]> {
  const found = await readdir(made.upper('demo').tree, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map(({ name }) => name);
}

function siteOf(made: PipMade): string {
  const [python = ''] = readdirSync(join(made.upper('demo').tree, 'lib'));
  return join(made.upper('demo').tree, 'lib', python, 'site-packages');
}

for (const [umask, file, folder] of [
  [0o002, 0o664, 0o775],
  [0o077, 0o600, 0o700],
] as const) {
  test.serial(`what was installed under umask ${umask.toString(8)} is adopted with its modes`, async (t) => {
    const made = await madeUnder(t, umask);
    const site = siteOf(made);
    t.is(statSync(join(site, 'beta.py')).mode & 0o7777, file);
    t.is(statSync(join(site, 'alpha')).mode & 0o7777, folder);
    const before = await made.shown('demo');
    const outcome = await made.adopt('demo');
    t.deepEqual(outcome.skipped, []);
    t.is(outcome.imagesAdded, 2);
    t.deepEqual(differing(before, await made.shown('demo')), []);
    t.deepEqual(await filesOf(made), []);
    t.deepEqual(
      readdirSync(made.upper('demo').tree).filter((name) => name !== 'lib64'),
      [],
    );
    t.like(await made.adopt('demo'), { generation: 2, dropped: 0, kept: 0 });
    t.deepEqual(differing(before, await made.shown('demo')), []);
  });
}

test.serial('a copy that was given another mode is adopted again with that one', async (t) => {
  const made = await madeUnder(t, 0o002);
  const paths = ['beta.py', 'alpha/inner/table.bin', 'alpha/__init__.py'];
  const [first, second, third] = paths.map((path) => join(siteOf(made), path)) as [string, string, string];
  chmodSync(first, 0o444);
  chmodSync(second, 0o755);
  chmodSync(third, 0o644);
  const before = await made.shown('demo');
  await made.adopt('demo');
  t.deepEqual(differing(before, await made.shown('demo')), []);
  t.deepEqual(await filesOf(made), []);
});

test.serial('a mode with set-id or sticky bits keeps files and folders where they are', async (t) => {
  const made = await madeUnder(t, 0o022);
  const site = siteOf(made);
  chmodSync(join(site, 'beta.py'), 0o2644);
  chmodSync(join(site, 'alpha/inner'), 0o1755);
  const before = await made.shown('demo');
  await made.adopt('demo');
  t.deepEqual(differing(before, await made.shown('demo')), []);
  // Its bytecode stays with it, and beside it.
  t.true((await filesOf(made)).includes('beta.py'));
  t.is(statSync(join(site, 'alpha/inner')).mode & 0o7777, 0o1755);
  t.deepEqual(readdirSync(join(site, 'alpha/inner')), []);
});

const some: Times = new Map([
  [
    3,
    new Map([
      [1, { mtimeNs: -7n }],
      [4, { mtimeNs: 5n, mode: 0o775 }],
      [9, { mtimeNs: 5n, mode: 0 }],
    ]),
  ],
  [0, new Map([[2 ** 27 - 1, { mtimeNs: 1_700_000_000_123_456_789n }]])],
]);

test('times and modes are read as they were written', (t) => {
  t.deepEqual(decodeTimes(encodeTimes(some)), some);
});

test('times of the first version, without modes, are read', (t) => {
  const slots = [[3, writeNumbers([1n, 9n]), writeNumbers([1n, 0n])]];
  const data = packFramed('SHENVTIM', 1, deflateSync(pack([writeNumbers([-7n, 5n]), slots])));
  const nodes = [...decodeTimes(data).get(3)!];
  t.deepEqual(nodes, [
    [1, { mtimeNs: 5n }],
    [9, { mtimeNs: -7n }],
  ]);
});

test('modes of one umask take hardly any room', (t) => {
  const nodes = (mode: (node: number) => number | undefined): Times => {
    const entries = Array.from({ length: 30_000 }, (_, node) => {
      const [mtimeNs, kept] = [BigInt(node) * 1_000_003n, mode(node)];
      return [node, kept === undefined ? { mtimeNs } : { mtimeNs, mode: kept }] as const;
    });
    return new Map([[1, new Map(entries)]]);
  };
  const without = encodeTimes(nodes(() => undefined)).length;
  const withModes = encodeTimes(nodes((node) => ((node * 7919) % 10 === 0 ? 0o775 : 0o664))).length;
  t.true(withModes - without < 10_000, `${withModes - without}`);
});
