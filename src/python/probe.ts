import { access } from 'node:fs/promises';
import { ShenvError, systemErrorCode } from '../base/errors.js';
import { packageFile } from '../base/package-files.js';
import { run } from '../base/run.js';

/** What python/probe.py tells of an interpreter. */
export interface Probe {
  implementation: string;
  /** e.g. `3.11.7` */
  version: string;
  /** e.g. `3.11` */
  minor: string;
  cacheTag: string;
  executable: string;
  /** The interpreter that a virtual environment was made from, or itself. */
  baseExecutable: string;
  basePrefix: string;
  pipVersion: string | null;
  /** pip's wheel that ensurepip carries. */
  ensurepipWheel: string | null;
  /** Supported wheel tags, best first; empty where no copy of `packaging` is to be found. */
  tags: string[];
}

const probeTimeoutMs = 30_000;
const probeScript = packageFile('src/python/probe.py');
const oldestMinor = 8;

/** Throws INTERPRETER_UNUSABLE when `executable` is no CPython 3.8 or later that runs. */
export async function probeInterpreter(executable: string): Promise<Probe> {
  await access(probeScript);
  const finished = await run(executable, ['-I', '-B', probeScript], { timeoutMs: probeTimeoutMs }).catch(
    (cause: unknown) => {
      if (systemErrorCode(cause) !== 'ENOENT') throw unusable(executable, String(cause));
      throw new ShenvError('INTERPRETER_MISSING', `There is no program ${executable}`, {
        hint: '`shenv-fs python` lists the interpreters that are here.',
        path: executable,
      });
    },
  );
  if (finished.status !== 0) {
    throw unusable(executable, finished.stderr.trim().split('\n').at(-1) || 'it does not run');
  }
  if (!finished.stdout.startsWith('{')) throw unusable(executable, 'it is no Python');
  const probe = JSON.parse(finished.stdout) as Probe;
  const [major = 0, minor = 0] = probe.minor.split('.').map(Number);
  if (major !== 3 || minor < oldestMinor) throw unusable(executable, `it is Python ${probe.version}`);
  return probe;
}

function unusable(executable: string, reason: string): ShenvError {
  return new ShenvError('INTERPRETER_UNUSABLE', `${executable} cannot be used: ${reason}`, {
    hint: 'Choose a CPython 3.8 or later with --python.',
    path: executable,
  });
}
