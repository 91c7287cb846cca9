/**
 * Loaded into `shenv-fs` with `node --require`: counts the calls that change the file system, and before the one
 * that FAULT_POINT asks for sends a signal, or lets that call fail. Without one it only counts. As an ES module
 * it would double the time that the program takes to start.
 */
import fs = require('node:fs');
import promises = require('node:fs/promises');
import os = require('node:os');
import type { Failure, FaultPoint, Tally } from './fault-point.js' with { 'resolution-mode': 'import' };

type Callable = (this: unknown, ...args: unknown[]) => unknown;

const functionNames = [
  'link',
  'rename',
  'unlink',
  'rm',
  'rmdir',
  'mkdir',
  'mkdtemp',
  'symlink',
  'utimes',
  'writeFile',
];
const methodNames = ['sync', 'write', 'writeFile', 'truncate'];
/** What a full file system still does. */
const needNoSpace = new Set(['unlink', 'rm', 'rmdir', 'utimes']);

const point = JSON.parse(process.env.FAULT_POINT!) as FaultPoint;
delete process.env.FAULT_POINT;
const tally: Tally = { calls: 0, failed: [] };

/** Counts a call, and says whether it is to fail. */
function fails(name: string, args: unknown[]): boolean {
  tally.calls += 1;
  const { call, signal, target, failure, stays } = point;
  if (signal && tally.calls === call) process.kill(target === 'group' ? -process.pid : process.pid, signal);
  if (!failure || call === 0 || tally.calls < call || (tally.failed.length > 0 && !stays)) return false;
  if (!canFail(failure, name, args)) return false;
  tally.failed.push(name);
  return true;
}

function canFail(failure: Failure, name: string, args: unknown[]): boolean {
  if (failure === 'short') return name === 'write' && lengthOf(args) > 1;
  if (failure === 'EIO') return true;
  if (failure === 'ENOSPC' && needNoSpace.has(name)) return false;
  if (failure === 'EROFS' && name === 'sync') return false;
  return name !== 'mkdir' || !fs.existsSync(String(args[0]));
}

/** Of the bytes that `FileHandle.write(buffer, offset, length, position)` is to write. */
function lengthOf([buffer, offset, length]: unknown[]): number {
  if (typeof length === 'number') return length;
  return (buffer as Uint8Array).length - (typeof offset === 'number' ? offset : 0);
}

function shortened(args: unknown[]): unknown[] {
  const [buffer, offset, , position] = args;
  return [buffer, offset ?? 0, Math.ceil(lengthOf(args) / 2), position ?? null];
}

/** As Node makes them: calls of an open file name no path. */
function systemError(code: Exclude<Failure, 'short'>, name: string, path: string | undefined): Error {
  const place = path === undefined ? '' : ` '${path}'`;
  const error = new Error(`${code}: injected, ${name}${place}`);
  const errno = -os.constants.errno[code];
  return Object.assign(error, { code, errno, syscall: name, ...(path === undefined ? {} : { path }) });
}

function wrap(owner: object, name: string, counts: (args: unknown[]) => boolean = () => true): void {
  const table = owner as Record<string, Callable>;
  const original = table[name]!;
  const hasPath = owner === promises;
  table[name] = function counted(...args) {
    if (!counts(args) || !fails(name, args)) return original.apply(this, args);
    if (point.failure === 'short') return original.apply(this, shortened(args));
    const failure = point.failure as Exclude<Failure, 'short'>;
    return Promise.reject(systemError(failure, name, hasPath ? String(args[0]) : undefined));
  };
}

/** The class of open files is to be had only from one. */
function wrapMethods(handle: object): void {
  const prototype = Object.getPrototypeOf(handle) as object;
  if (wrapped.has(prototype)) return;
  wrapped.add(prototype);
  for (const name of methodNames) wrap(prototype, name);
}

const wrapped = new Set<object>();
const { open } = promises;
(promises as { open: unknown }).open = async (...args: Parameters<typeof open>) => {
  const handle = await open(...args);
  wrapMethods(handle);
  return handle;
};
for (const name of functionNames) wrap(promises, name);
wrap(promises, 'open', ([, flags]) => flags !== undefined && flags !== 'r');
process.on('exit', () => fs.writeFileSync(point.countFile, JSON.stringify(tally)));
