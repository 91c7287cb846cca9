import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShenvError, systemErrorCode } from '../base/errors.js';
import { run } from '../base/run.js';
import type { Image } from '../image/read.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import { normalizeName } from '../wheel/filename.js';
import { pinsOf } from './lock.js';
import type { Pin } from './pin.js';
import { formatLock, type LockedPackage, parseLock } from './pylock-file.js';
import { requirementName } from './requirements-file.js';
import type { Installed } from './resolve.js';
import { repeat, type Wanted } from './wanted.js';
import type { Workspace } from './workspace.js';

const lastLines = 12;

/**
 * Lets uv choose: `uv pip compile` writes a lock, which is read as any other. What is installed is given
 * to it as an earlier result, so that it keeps those versions unless asked to upgrade.
 * Throws RESOLVER_MISSING, RESOLVER_FAILED.
 */
export async function resolveWithUv(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  wanted: Wanted,
  installed?: Installed,
): Promise<Pin[]> {
  const { progress, signal } = workspace;
  const folder = await mkdtemp(join(tmpdir(), 'shenv-fs-resolve-'));
  try {
    progress.start('Resolving with uv', 0);
    const input = join(folder, 'requirements.in');
    const lockPath = join(folder, 'pylock.toml');
    const editables = wanted.editables.map((path) => `-e ${path}`);
    await writeFile(input, `${[...wanted.requirements, ...editables].join('\n')}\n`);
    if (installed && installed.upgrade !== 'eager') await writeEarlierResult(lockPath, installed, workspace);
    const newer = installed?.upgrade === 'only-if-needed' ? upgradeArgs(wanted) : [];
    const args = ['pip', 'compile', '--quiet', '--no-header', '--format', 'pylock.toml', '-o', lockPath];
    const python = ['--python', interpreter.baseExecutable];
    await runUv([...args, ...python, ...uvArgs(wanted), ...newer, input, ...wanted.requirementFiles], signal);
    const pins = pinsOf(parseLock(await readFile(lockPath, 'utf8'), lockPath), lockPath, interpreter);
    return pins;
  } finally {
    progress.finish();
    await rm(folder, { recursive: true, force: true });
  }
}

/** uv prefers the versions of an earlier result to others. */
async function writeEarlierResult(
  path: string,
  { layers }: Installed,
  { outlines }: Workspace,
): Promise<void> {
  const packages = layers
    .filter(({ directUrl }) => directUrl === undefined)
    .map(({ image, url }) => lockedWheel(outlines.open(image), url));
  const lock = {
    requiresPython: undefined,
    environments: [],
    defaultGroups: [],
    packages,
    requested: undefined,
  };
  await writeFile(path, formatLock(lock, 'uv'));
}

function lockedWheel({ meta, wheelDigest }: Image, url: string | undefined): LockedPackage {
  const { name, version, wheelFilename } = meta;
  // Only name and version count; a path need not lead anywhere.
  const path = url === undefined ? wheelFilename : undefined;
  const file = { name: wheelFilename, url, path, sha256: wheelDigest };
  const none = { marker: undefined, requiresPython: undefined, sdist: undefined, archive: undefined };
  return {
    ...none,
    name: normalizeName(name),
    version,
    dependencies: [],
    wheels: [file],
    directory: undefined,
    vcs: undefined,
  };
}

function upgradeArgs({ requirements }: Wanted): string[] {
  return repeat('--upgrade-package', requirements.map(requirementName));
}

function uvArgs(wanted: Wanted): string[] {
  return [
    ...wanted.indexArgs.map((arg) => (arg === '--trusted-host' ? '--allow-insecure-host' : arg)),
    ...(wanted.allowsPrereleases ? ['--prerelease', 'allow'] : []),
    ...(wanted.withDependencies ? [] : ['--no-deps']),
    ...repeat('-c', wanted.constraintFiles),
  ];
}

async function runUv(args: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const finished = await run('uv', args, signal ? { signal } : {}).catch((cause: unknown) => {
    if (systemErrorCode(cause) !== 'ENOENT') throw cause;
    throw new ShenvError('RESOLVER_MISSING', 'There is no uv on PATH', {
      hint: 'Install uv, or leave out --resolver to use pip.',
      cause,
    });
  });
  if (finished.status === 0) return;
  const said = finished.stderr.trim().split('\n').slice(-lastLines).join('\n');
  throw new ShenvError('RESOLVER_FAILED', `uv could not do it:\n${said}`, {
    hint: "Check the names and versions asked for, and uv's configuration.",
  });
}
