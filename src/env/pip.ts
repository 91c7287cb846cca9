import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ShenvError } from '../base/errors.js';
import type { Progress } from '../base/progress.js';
import { listInterpreters } from '../python/discover.js';
import type { Probe } from '../python/probe.js';

/** A way to run a pip that can report what it resolves for a given interpreter. */
export interface Pip {
  program: string;
  args: string[];
}

/** `pip install --report` and `--dry-run` came with 22.2, `pip --python` with 22.3. */
const reportVersion = [22, 2];
const targetVersion = [22, 3];
const lastLines = 12;

/**
 * Chooses a pip for the interpreter `target`: its own, the one that its ensurepip carries, or another
 * interpreter's that can be pointed at it. With `python`, a venv's interpreter, it works on that venv.
 * Throws RESOLVER_MISSING when there is none recent enough.
 */
export async function findPip(target: Probe, python?: string): Promise<Pip> {
  const program = target.baseExecutable;
  const wanted = python === undefined ? reportVersion : targetVersion;
  const pointed = python === undefined ? [] : ['--python', python];
  if (isAtLeast(target.pipVersion, wanted)) return { program, args: ['-m', 'pip', ...pointed] };
  const bundled = target.ensurepipWheel;
  const bundledVersion = bundled && (/pip-([0-9.]+)-/.exec(bundled)?.[1] ?? null);
  if (bundled && isAtLeast(bundledVersion, reportVersion))
    return { program: python ?? program, args: [`${bundled}/pip`] };
  for (const other of await listInterpreters()) {
    if (!isAtLeast(other.pipVersion, targetVersion)) continue;
    return { program: other.executable, args: ['-m', 'pip', '--python', python ?? program] };
  }
  throw new ShenvError('RESOLVER_MISSING', `There is no pip 22.3 or later for ${program}`, {
    hint: `Install one: ${program} -m ensurepip --upgrade, or your system's python3-pip.`,
  });
}

function isAtLeast(version: string | null, wanted: readonly number[]): boolean {
  if (!version) return false;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > wanted[0]! || (major === wanted[0] && minor >= wanted[1]!);
}

/** The user's own pip configuration stays; only what would install somewhere else is taken out. */
function pipVariables(): NodeJS.ProcessEnv {
  const variables = { ...process.env };
  for (const name of ['PIP_TARGET', 'PIP_PREFIX', 'PIP_ROOT', 'PIP_REPORT', 'PIP_DRY_RUN'])
    delete variables[name];
  return {
    ...variables,
    PIP_USER: '0',
    PIP_REQUIRE_VIRTUALENV: '0',
    PIP_BREAK_SYSTEM_PACKAGES: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    PIP_NO_INPUT: '1',
  };
}

/** What a pip said: all of its lines, and those of stdout alone. */
interface Heard {
  status: number | null;
  said: string[];
  written: string[];
}

/**
 * Runs pip to its end, its lines shown as progress; what it wrote to stdout. An aborted pip has ended
 * too when this rejects, and of its temporary files nothing stays: they are in a folder that is removed
 * here, because a pip that is killed leaves them. Throws RESOLVER_FAILED with pip's own last words.
 */
export async function runPip(
  pip: Pip,
  args: readonly string[],
  progress: Progress,
  signal?: AbortSignal,
): Promise<string> {
  const temporary = await mkdtemp(join(tmpdir(), 'shenv-fs-pip-'));
  try {
    const child = spawn(pip.program, [...pip.args, ...args], {
      env: { ...pipVariables(), TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal ? { signal } : {}),
    });
    const { status, said, written } = await hear(child, progress);
    if (status === 0) return written.join('\n');
    throw failed(said);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function hear(child: ChildProcessByStdio<null, Readable, Readable>, progress: Progress): Promise<Heard> {
  const heard: Heard = { status: null, said: [], written: [] };
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (stream === child.stdout) heard.written.push(line);
      if (/^WARNING: Location .* is ignored/.test(line)) return;
      heard.said.push(line);
      progress.advance(0, line.trim());
    });
  }
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    child.on('error', (error) => {
      failure = error;
      if (child.pid === undefined) reject(error);
    });
    child.on('close', (status) => (failure ? reject(failure) : resolve({ ...heard, status })));
  });
}

function failed(said: readonly string[]): ShenvError {
  const errors = said.filter((line) => /^\s*(ERROR|error):?/.test(line));
  const last = (errors.length > 0 ? errors : said).slice(-lastLines).join('\n');
  return new ShenvError('RESOLVER_FAILED', `pip could not do it:\n${last}`, {
    hint: "Check the names and versions asked for, and pip's configuration (`pip config list`).",
  });
}
