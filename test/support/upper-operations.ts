import {
  chmodSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { loadSystemCalls } from '../../src/upper/system-calls.js';
import type { TestLayer } from './upper-layers.js';

const calls = loadSystemCalls();

/** On a path, and for those that take two on another; `value` is any number below 1000. */
export type Operation = (path: string, other: string, value: number) => void;

/** Pairs of the same operation: through the layer, and on the plain folder. */
export function operationsOn(upper: TestLayer, plain: string): [string, Operation, Operation][] {
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
