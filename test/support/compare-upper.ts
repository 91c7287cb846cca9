import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { loadSystemCalls } from '../../src/upper/system-calls.js';
import { attributesOf } from '../../src/view/locate.js';
import type { TestLower } from './test-lower.js';
import type { TestLayer } from './upper-layers.js';
import { walkView } from './views.js';

const calls = loadSystemCalls();
/** Times that operations give are later than this; others are set explicitly and earlier. */
const startNs = 1_750_000_000_000_000_000n;

/** The same tree as a plain folder. */
export function materialise(lower: TestLower, root: string): void {
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

/** A path with all that is to be equal; folders' counts and sizes are not. */
export interface Line {
  path: string;
  text: string;
  /** An operation has given it its time. */
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

export function* linesOfPlain(root: string, withContents: boolean, path = ''): Generator<Line> {
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

export function* linesOfUpper(upper: TestLayer, withContents: boolean): Generator<Line> {
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
