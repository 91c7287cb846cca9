import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { ShenvError, systemErrorCode, unless } from '../../base/errors.js';

/** An existing venv by what its pyvenv.cfg tells. */
export interface Venv {
  /** As it was given, absolute. */
  root: string;
  /** Its interpreter: the executable, or where that should be. */
  python: string;
  /** e.g. `3.11` */
  minor: string;
  systemSitePackages: boolean;
  /** Relative to `root`. */
  sitePackages: string;
  /** Other spellings of `root`, which scripts may have in their first line. */
  spellings: string[];
}

/** Throws VENV_UNUSABLE when there is no virtual environment at `folder`. */
export async function readVenv(folder: string): Promise<Venv> {
  const root = resolve(folder);
  const text = await readFile(join(root, 'pyvenv.cfg'), 'utf8').catch((cause: unknown) => {
    if (!['ENOENT', 'ENOTDIR'].includes(systemErrorCode(cause) ?? '')) throw cause;
    throw unusable(root, 'it has no pyvenv.cfg');
  });
  const settings = parseSettings(text);
  const minor = /^\d+\.\d+/.exec(settings.get('version') ?? settings.get('version_info') ?? '')?.[0];
  const found = await findMinor(root, minor);
  const home = settings.get('home');
  if (home === undefined) throw unusable(root, 'its pyvenv.cfg names no home');
  const created = / -m venv (?:.* )?(\/.*)$/.exec(settings.get('command') ?? '')?.[1];
  return {
    root,
    python:
      (await linkedInterpreter(root, found)) ?? settings.get('executable') ?? join(home, `python${found}`),
    minor: found,
    systemSitePackages: settings.get('include-system-site-packages')?.toLowerCase() === 'true',
    sitePackages: `lib/python${found}/site-packages`,
    spellings: [...new Set([root, await realpath(root), ...(created === undefined ? [] : [created])])],
  };
}

function parseSettings(text: string): Map<string, string> {
  const pairs = text.split(/\r?\n/).flatMap((line): [string, string][] => {
    const equals = line.indexOf('=');
    return equals < 0 ? [] : [[line.slice(0, equals).trim().toLowerCase(), line.slice(equals + 1).trim()]];
  });
  return new Map(pairs);
}

async function findMinor(root: string, stated: string | undefined): Promise<string> {
  const names = (await unless('ENOENT', readdir(join(root, 'lib')))) ?? [];
  const minors = names.flatMap((name) => /^python(3\.\d+)$/.exec(name)?.[1] ?? []);
  if (stated !== undefined && minors.includes(stated)) return stated;
  if (stated === undefined && minors.length === 1) return minors[0]!;
  throw unusable(root, `it has no lib/python${stated ?? '3.x'}`);
}

/** What `bin/python` and its kin lead to: the name by which the venv was made, where it was not copied. */
async function linkedInterpreter(root: string, minor: string): Promise<string | undefined> {
  for (const name of ['python', 'python3', `python${minor}`]) {
    const target = await readlink(join(root, 'bin', name)).catch((error: unknown) => {
      if (!['ENOENT', 'EINVAL'].includes(systemErrorCode(error) ?? '')) throw error;
      return undefined;
    });
    if (target && isAbsolute(target)) return target;
  }
  return undefined;
}

function unusable(root: string, rule: string): ShenvError {
  return new ShenvError('VENV_UNUSABLE', `${root} is no virtual environment that can be imported: ${rule}`, {
    hint: 'Give the folder of a venv: the one that holds pyvenv.cfg, bin and lib.',
    path: root,
  });
}
