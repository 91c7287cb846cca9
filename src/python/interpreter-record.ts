import { mkdir, open, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../base/atomic-write.js';
import { type Digest, toDigest } from '../base/brands.js';
import { sha256 } from '../base/digest.js';
import { ShenvError, unless } from '../base/errors.js';
import { FrameError, pack, packFramed, unpackFramed } from '../base/msgpack.js';
import { readRegular } from '../base/trust.js';
import { noInterpreter } from '../manifest/types.js';
import { discoverInterpreter } from './discover.js';
import { type Probe, probeInterpreter } from './probe.js';
import { captureSkeleton, type SkeletonEntry } from './skeleton.js';

/** History: 1 (first version). */
const recordVersion = 1;
const magic = 'SHENVPYT';

/** Everything that composing needs to know of an interpreter; kept once for all environments of it. */
export interface InterpreterRecord extends Probe {
  skeleton: SkeletonEntry[];
}

export interface KnownInterpreter {
  key: Digest;
  record: InterpreterRecord;
}

/**
 * The record of the interpreter that `request` means. Probing and capturing take about 150 ms, so the
 * record is kept under the SHA-256 of its content, and a second file leads from the executable
 * (its real path, size and mtime) to it.
 */
export async function findInterpreter(folder: string, request?: string): Promise<KnownInterpreter> {
  let known: KnownInterpreter | undefined;
  const probe = await discoverInterpreter(request, process.env, async (executable) => {
    known = await recall(folder, executable);
    return known?.record ?? probeInterpreter(executable);
  });
  if (known?.record === probe) return known;
  known = await recall(folder, probe.baseExecutable);
  if (known && JSON.stringify({ ...known.record, skeleton: undefined }) === JSON.stringify(probe))
    return known;
  const captured = await capture(probe);
  await keepInterpreter(folder, captured);
  return captured;
}

/**
 * The interpreter `executable` as it is now, whatever is known of it; nothing is kept.
 * Throws INTERPRETER_MISSING, INTERPRETER_UNUSABLE.
 */
export async function captureInterpreter(executable: string): Promise<KnownInterpreter> {
  return capture(await probeInterpreter(executable));
}

/** Keeps a record for environments to name, and as what is known of its executable. */
export async function keepInterpreter(folder: string, { key, record }: KnownInterpreter): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await replaceFile(join(folder, key), packFramed(magic, recordVersion, record));
  await remember(folder, record.baseExecutable, key);
}

async function capture(probe: Probe): Promise<KnownInterpreter> {
  const record: InterpreterRecord = { ...probe, skeleton: await captureSkeleton(probe.baseExecutable) };
  return { key: sha256(pack(record)), record };
}

/**
 * Throws INTERPRETER_MISSING when the record is gone or damaged, INTERPRETER_NONE for the key of a bare environment.
 */
export async function readInterpreter(folder: string, key: Digest): Promise<InterpreterRecord> {
  if (key === noInterpreter) {
    throw new ShenvError('INTERPRETER_NONE', 'The environment is bare: it has no interpreter yet', {
      hint: 'Run `python -m venv` on its folder in the mount, then `shenv-fs adopt` for it.',
    });
  }
  const path = join(folder, key);
  try {
    return unpackFramed(magic, recordVersion, await readRegular(path)) as InterpreterRecord;
  } catch (cause) {
    if (!(cause instanceof FrameError) && (cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new ShenvError(
      'INTERPRETER_MISSING',
      `The interpreter record ${key.slice(0, 16)}… cannot be read`,
      {
        hint: 'Create the environment again.',
        path,
        cause,
      },
    );
  }
}

async function recall(folder: string, executable: string): Promise<KnownInterpreter | undefined> {
  const pointer = await pointerPath(folder, executable);
  const text = pointer && (await unless('ENOENT', readFile(pointer, 'utf8')));
  if (!text || !/^[0-9a-f]{64}$/.test(text)) return undefined;
  const key = toDigest(text);
  try {
    return { key, record: await readInterpreter(folder, key) };
  } catch (error) {
    if (error instanceof ShenvError) return undefined;
    throw error;
  }
}

async function remember(folder: string, executable: string, key: Digest): Promise<void> {
  const pointer = await pointerPath(folder, executable);
  if (!pointer) return;
  await mkdir(join(folder, 'executables'), { recursive: true, mode: 0o755 });
  await replaceFile(pointer, Buffer.from(key));
}

/** Undefined for what is not there, and for a script (a pyenv shim means another Python each day). */
async function pointerPath(folder: string, executable: string): Promise<string | undefined> {
  const real = await unless('ENOENT', realpath(executable));
  if (real === undefined || (await isScript(real))) return undefined;
  const { size, mtimeMs } = await stat(real);
  return join(folder, 'executables', sha256(Buffer.from(JSON.stringify([executable, real, size, mtimeMs]))));
}

async function isScript(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const start = Buffer.alloc(2);
    await file.read(start, 0, 2, 0);
    return start.toString('latin1') === '#!';
  } finally {
    await file.close();
  }
}
