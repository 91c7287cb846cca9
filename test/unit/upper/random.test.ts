import {
  chmodSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { errnoOf } from '../../../src/upper/file-error.js';
import { loadSystemCalls } from '../../../src/upper/system-calls.js';
import { attributesOf } from '../../../src/view/locate.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { TestLayer, TestLower } from '../../support/upper-layers.js';
import { walkView } from '../../support/views.js';

/** SHENV_UPPER_OPERATIONS and SHENV_UPPER_SEED make a longer run, or one again. */
const operations = Number(process.env.SHENV_UPPER_OPERATIONS ?? 1200);
const seed = Number(process.env.SHENV_UPPER_SEED ?? Date.now() % 1_000_000);
const calls = loadSystemCalls();
/** Times that operations give are later than this; others are set explicitly and earlier. */
const startNs = 1_750_000_000_000_000_000n;

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

type Operation = (path: string, other: string, value: number) => void;

/** The same tree as a plain folder. */
function materialise(lower: TestLower, root: string): void {
  const { view } = lower;
  mkdirSync(root);
  const folders: [string, bigint][] = [[root, view.root.mtimeNs]];
  for (const [path, entry] of walkView(view)) {
    const place = join(root, path);
    const { mode, mtimeNs } = attributesOf(view, entry);
    if (entry.kind === 'directory' || entry.kind === 'graft') mkdirSync(place);
    else if (entry.kind === 'link') symlinkSync(entry.target, place);
    else writeFileSync(place, lower.contentOf(entry));
    if (entry.kind !== 'link') chmodSync(place, mode & 0o7777);
    if (entry.kind === 'directory' || entry.kind === 'graft') folders.push([place, mtimeNs]);
    else calls.setTimes(place, mtimeNs, mtimeNs);
  }
  for (const [place, mtimeNs] of folders.reverse()) calls.setTimes(place, mtimeNs, mtimeNs);
}

interface Line {
  path: string;
  text: string;
  isNew: boolean;
}

function describe(
  path: string,
  mode: number,
  nlink: number,
  size: number,
  mtimeNs: bigint,
  more: string,
): Line {
  const isFolder = (mode & 0o170000) === 0o040000;
  const isNew = mtimeNs > startNs;
  const count = isFolder ? '' : ` ${nlink} ${size}`;
  return { path, text: `${path} ${mode.toString(8)}${count} ${isNew ? 'new' : mtimeNs} ${more}`, isNew };
}

function* linesOfPlain(root: string, withContents: boolean, path = ''): Generator<Line> {
  const stat = lstatSync(join(root, path), { bigint: true });
  const isFolder = stat.isDirectory();
  const more = stat.isSymbolicLink()
    ? readlinkSync(join(root, path))
    : withContents && stat.isFile()
      ? readFileSync(join(root, path), 'latin1')
      : '';
  yield describe(path, Number(stat.mode), Number(stat.nlink), Number(stat.size), stat.mtimeNs, more);
  if (!isFolder) return;
  for (const name of readdirSync(join(root, path)).sort()) {
    yield* linesOfPlain(root, withContents, path === '' ? name : `${path}/${name}`);
  }
}

function* linesOfUpper(upper: TestLayer, withContents: boolean): Generator<Line> {
  const root = upper.stat('');
  yield describe('', root.mode, 1, 0, root.mtimeNs, '');
  for (const { path, inode, attributes } of upper.walk()) {
    const { mode, nlink, mtimeNs } = attributes;
    const type = mode & 0o170000;
    const more =
      type === 0o120000
        ? upper.layer.readLink(inode)
        : withContents && type === 0o100000
          ? upper.readInode(inode).toString('latin1')
          : '';
    const size = attributes.size ?? upper.readInode(inode).length;
    yield describe(path, mode, nlink, size, mtimeNs, more);
  }
}

/** Pairs of the same operation: through the layer, and on the plain folder. */
function operationsOn(upper: TestLayer, plain: string): [string, Operation, Operation][] {
  const at = (path: string) => join(plain, path);
  const set = (path: string, changes: Parameters<typeof upper.layer.setAttributes>[1]) =>
    upper.run((layer) => layer.setAttributes(upper.inodeOf(path), changes));
  const write = (place: string, flags: number, text: string) => {
    const fd = openSync(place, flags | constants.O_NOFOLLOW, 0o666);
    writeSync(fd, text, 0);
    closeSync(fd);
  };
  return [
    [
      'create',
      (path, _, value) => upper.create(path, `${value}`, 0o600 + (value % 0o100)),
      (path, _, value) => {
        const fd = openSync(at(path), constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o666);
        chmodSync(at(path), 0o600 + (value % 0o100));
        writeSync(fd, `${value}`);
        closeSync(fd);
      },
    ],
    [
      'write',
      (path, _, value) => upper.write(path, `w${value}`),
      (path, _, value) => write(at(path), constants.O_RDWR, `w${value}`),
    ],
    ['mkdir', (path) => upper.mkdir(path), (path) => mkdirSync(at(path), 0o755)],
    ['symlink', (path, other) => upper.symlink(other, path), (path, other) => symlinkSync(other, at(path))],
    ['link', (path, other) => upper.link(other, path), (path, other) => linkSync(at(other), at(path))],
    ['unlink', (path) => upper.unlink(path), (path) => unlinkSync(at(path))],
    ['rmdir', (path) => upper.rmdir(path), (path) => rmdirSync(at(path))],
    [
      'rename',
      (path, other) => upper.rename(path, other),
      (path, other) => calls.renameAt(at(path), at(other), 0),
    ],
    [
      'rename again',
      (path, other) => upper.rename(path, other),
      (path, other) => calls.renameAt(at(path), at(other), 0),
    ],
    [
      'rename anew',
      (path, other) => upper.rename(path, other, 1),
      (path, other) => calls.renameAt(at(path), at(other), 1),
    ],
    [
      'exchange',
      (path, other) => upper.rename(path, other, 2),
      (path, other) => calls.renameAt(at(path), at(other), 2),
    ],
    [
      'times',
      (path, _, value) => set(path, { atime: BigInt(value), mtime: BigInt(value) * 1_000_001n }),
      (path, _, value) => calls.setTimes(at(path), BigInt(value), BigInt(value) * 1_000_001n),
    ],
    [
      'mode',
      (path, _, value) => set(path, { mode: 0o700 | (value % 0o100) }),
      (path, _, value) => {
        if (lstatSync(at(path)).isSymbolicLink()) throw Object.assign(new Error(), { code: 'EOPNOTSUPP' });
        chmodSync(at(path), 0o700 | (value % 0o100));
      },
    ],
    [
      'truncate',
      (path, _, value) => set(path, { size: value % 7 }),
      (path, _, value) => {
        if (lstatSync(at(path)).isSymbolicLink()) throw Object.assign(new Error(), { code: 'EINVAL' });
        truncateSync(at(path), value % 7);
      },
    ],
    [
      'attribute',
      (path, _, value) =>
        upper.run((layer) =>
          layer.setAttribute(upper.inodeOf(path), 'user.x', Buffer.from(`${value}`), value % 3),
        ),
      (path, _, value) => calls.setXattr(at(path), 'user.x', Buffer.from(`${value}`), value % 3),
    ],
  ];
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

const names = ['a.py', 'b.py', 'x', 'p', 'new', 'e.py', 'q'];

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

test(`random operations do what they do in a plain folder, and are there when it is opened again (seed ${seed})`, async (t) => {
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
  for (let step = 1; step <= operations; step += 1) {
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
    if (mine !== theirs) return t.fail(`${what}: ${mine} instead of ${theirs}`);
    if (mine === undefined) done.set(name, (done.get(name) ?? 0) + 1);
    lines = compare(t, upper, plain, what, step % 20 === 0);
    settle(upper, plain, lines, step);
    if (step % 7 === 0) upper.forgetOrphans();
    if (step % 100 === 0) {
      const before = numbersOf(upper);
      await upper.reopen();
      lines = compare(t, upper, plain, `${what}, opened again`, true);
      t.deepEqual(numbersOf(upper), before, `${what}: numbers`);
    }
  }
  upper.forgetOrphans();
  t.deepEqual(readdirSync(join(upper.folder, 'orphans')), []);
  for (const [name] of all) t.true((done.get(name) ?? 0) > operations / 500, `${name} succeeds`);
});
