import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { errnoOf } from '../../../src/upper/file-error.js';
import { loadSystemCalls } from '../../../src/upper/system-calls.js';
import { type Line, linesOfPlain, linesOfUpper, materialise } from '../../support/compare-upper.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { TestLower } from '../../support/test-lower.js';
import { TestLayer } from '../../support/upper-layers.js';
import { operationsOn } from '../../support/upper-operations.js';

/** SHENV_UPPER_OPERATIONS and SHENV_UPPER_SEED make a longer run, or one again. */
const operations = Number(process.env.SHENV_UPPER_OPERATIONS ?? 1200);
const seed = Number(process.env.SHENV_UPPER_SEED ?? 1);
const calls = loadSystemCalls();

const specs = [
  {
    name: 'one',
    files: {
      'site/ns/a.py': 'a',
      'site/one/x/y.py': 'y',
      'site/one/x/z.py': 'zz',
      'site/one/e.py': '',
      'bin/tool': '#!/bin/sh\n',
    },
    executable: ['bin/tool'],
  },
  { name: 'two', files: { 'site/ns/b.py': 'b', 'site/two/p/q/r.py': 'r', 'data/share/two': '2' } },
];

/** A generator of numbers below a bound (mulberry32). */
function randomOf(start: number): (bound: number) => number {
  let state = start;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

function outcome(operation: () => void): number | undefined {
  try {
    operation();
    return undefined;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    return errno;
  }
}

const names = ['a.py', 'b.py', 'x', 'p', 'new', 'e.py', 'q', 'one', 'ns', 'lib64'];

/** A path that is there, or a name beside or below one; no link is followed. */
function choosePath(random: (bound: number) => number, lines: readonly Line[], plain: string): string {
  const { path } = lines[random(lines.length)]!;
  const isFolder = lstatSync(join(plain, path)).isDirectory();
  if (random(2) === 0 && path !== '') return path;
  const name = names[random(names.length)]!;
  if (isFolder) return path === '' ? name : `${path}/${name}`;
  const slash = path.lastIndexOf('/');
  return slash < 0 ? name : `${path.slice(0, slash)}/${name}`;
}

function compare(
  t: ExecutionContext,
  upper: TestLayer,
  plain: string,
  what: string,
  withContents: boolean,
): Line[] {
  const [mine, theirs] = [[...linesOfUpper(upper, withContents)], [...linesOfPlain(plain, withContents)]];
  const [a, b] = [mine, theirs].map((lines) => lines.map(({ text }) => text));
  // A deepEqual of everything for each operation costs more than all else.
  if (a!.join('\n') !== b!.join('\n')) t.deepEqual(a, b, what);
  return mine;
}

/** Gives what an operation touched a time of its own, on both sides, so that the next one is seen too. */
function settle(upper: TestLayer, plain: string, lines: readonly Line[], step: number): void {
  const time = 1_600_000_000_000_000_000n + BigInt(step);
  for (const { path, isNew } of lines) {
    if (!isNew) continue;
    upper.layer.setAttributes(upper.inodeOf(path), { mtime: time });
    calls.setTimes(join(plain, path), 'omit', time);
  }
}

function numbersOf(upper: TestLayer): Map<string, bigint> {
  const numbers = new Map<string, bigint>();
  for (const { path, inode, attributes } of upper.walk()) {
    if ((attributes.mode & 0o170000) !== 0o120000) numbers.set(path, inode);
  }
  return numbers;
}

/** The same operations through an upper layer and on a plain folder, which must stay equal. */
async function compareAll(
  t: ExecutionContext,
  { steps, reopenEvery }: { steps: number; reopenEvery: number },
): Promise<Map<string, number> | undefined> {
  const folder = await temporaryFolder(t);
  const lower = await TestLower.ofSpecs(folder, specs);
  const upper = await TestLayer.over(t, lower, join(folder, 'upper'));
  const plain = join(folder, 'plain');
  materialise(lower, plain);
  upper.layer.setAttributes(upper.root, { mtime: lower.view.root.mtimeNs, mode: 0o755 });
  const random = randomOf(seed);
  const all = operationsOn(upper, plain);
  let lines = compare(t, upper, plain, 'at first', true);
  const done = new Map<string, number>();
  for (let step = 1; step <= steps; step += 1) {
    const [name, onUpper, onPlain] = all[random(all.length)]!;
    const [path, other, value] = [
      choosePath(random, lines, plain),
      choosePath(random, lines, plain),
      random(1000),
    ];
    const what = `seed ${seed}, step ${step}: ${name} '${path}' '${other}' ${value}`;
    const [mine, theirs] = [
      outcome(() => onUpper(path, other, value)),
      outcome(() => onPlain(path, other, value)),
    ];
    if (mine !== theirs) {
      t.fail(`${what}: ${mine} instead of ${theirs}`);
      return undefined;
    }
    if (mine === undefined) done.set(name, (done.get(name) ?? 0) + 1);
    lines = compare(t, upper, plain, what, step % 20 === 0);
    settle(upper, plain, lines, step);
    if (step % 7 === 0) upper.forgetOrphans();
    if (step % reopenEvery === 0) {
      const before = numbersOf(upper);
      await upper.reopen();
      lines = compare(t, upper, plain, `${what}, opened again`, true);
      t.deepEqual(numbersOf(upper), before, `${what}: numbers`);
    }
  }
  upper.forgetOrphans();
  t.deepEqual(readdirSync(join(upper.folder, 'orphans')), []);
  return done;
}

test(`random operations do what they do in a plain folder (seed ${seed})`, async (t) => {
  const done = await compareAll(t, { steps: operations, reopenEvery: 100 });
  // Nothing is compared by operations that all fail.
  t.is(done?.size, 15);
  for (const [name, count] of done!) t.true(count > operations / 500, name);
});

test(`the tree is the same when it is read from disk after each operation (seed ${seed})`, async (t) => {
  await compareAll(t, { steps: Math.ceil(operations / 6), reopenEvery: 1 });
});
