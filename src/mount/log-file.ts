import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout } from 'node:timers/promises';
import { systemErrorCode, unless } from '../base/errors.js';
import { formatLogEntry, type LogEntry, type LogSink } from '../base/log.js';

/** Of the log of one mount; with what was rotated away, at most twice as much stays. */
const mostLogBytes = 4 << 20;
const oldSuffix = '.old';
const stderrDescriptor = 2;
const pollMs = 200;
const pieceBytes = 1 << 16;

/**
 * Appends entries to a file of JSON lines, for as long as the process lives. Before it outgrows `mostBytes` its
 * contents become `<path>.old`, in the place of earlier ones. They are copied and the file is emptied, not renamed:
 * descriptors of it that a process was started with, as its stderr, go on to the file that is read.
 * What cannot be written (the file system is full) is lost. Throws what open(2) throws.
 */
export function logToFile(path: string, mostBytes = mostLogBytes): LogSink {
  const fd = openSync(path, 'a', 0o600);
  return (entry) => {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    try {
      if (fstatSync(fd).size + line.length > mostBytes) rotate(path, fd);
      writeSync(fd, line);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
  };
}

/** A crash in between leaves entries twice, and loses none. */
function rotate(path: string, fd: number): void {
  copyFileSync(path, path + oldSuffix);
  ftruncateSync(fd, 0);
}

/** Entries on stderr: sentences on a terminal, else JSON lines; nothing where stderr is the file `path` anyway. */
export function logToStderr(path: string): LogSink {
  if (isStderr(path)) return () => undefined;
  // Who read it may be gone: what is lost then is the log.
  process.stderr.on('error', () => undefined);
  const format = process.stderr.isTTY ? formatLogEntry : (entry: LogEntry) => JSON.stringify(entry);
  return (entry) => void process.stderr.write(`${format(entry)}\n`);
}

function isStderr(path: string): boolean {
  const fd = openSync(path, 'a', 0o600);
  const [file, stderr] = [fstatSync(fd), fstatSync(stderrDescriptor)];
  closeSync(fd);
  return file.dev === stderr.dev && file.ino === stderr.ino;
}

export interface PastLog {
  /** What was rotated away and what came after it. */
  text: string;
  /** Where to go on in the file. */
  endBytes: number;
}

/** Undefined where there is no log. */
export async function readLog(path: string): Promise<PastLog | undefined> {
  const current = await unless('ENOENT', readFile(path));
  const old = await unless('ENOENT', readFile(path + oldSuffix, 'utf8'));
  if (current === undefined && old === undefined) return undefined;
  return { text: `${old ?? ''}${current?.toString('utf8') ?? ''}`, endBytes: current?.length ?? 0 };
}

/** What is appended to the log from `position` on, until `signal` is aborted; after a rotation all of the new file. */
export async function* followLog(
  path: string,
  position: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let decoder = new StringDecoder('utf8');
  let at = position;
  while (!signal.aborted) {
    const size = (await unless('ENOENT', stat(path)))?.size ?? 0;
    if (size < at) [at, decoder] = [0, new StringDecoder('utf8')];
    const piece = size > at ? await readPiece(path, at) : undefined;
    at += piece?.length ?? 0;
    if (piece && piece.length > 0) yield decoder.write(piece);
    else await setTimeout(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

async function readPiece(path: string, position: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(pieceBytes);
    const { bytesRead } = await file.read(buffer, 0, pieceBytes, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
