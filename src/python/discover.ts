import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { ShenvError } from '../base/errors.js';
import { type Probe, probeInterpreter } from './probe.js';

/**
 * Finds the interpreter that `request` means: a path, a version (`3`, `3.11`, `3.11.7`), a program's
 * name, or what is first on PATH. Looks on PATH, then at pyenv's, uv's and the system's own places.
 * `probe` may answer for an executable that it knows already.
 * Throws INTERPRETER_MISSING.
 */
export async function discoverInterpreter(
  request?: string,
  variables = process.env,
  probe: (executable: string) => Promise<Probe> = probeInterpreter,
): Promise<Probe> {
  const version = request !== undefined && /^3(\.\d+){0,2}$/.test(request) ? request : undefined;
  if (request?.includes('/')) return probe(resolve(request));
  const reasons: string[] = [];
  for await (const candidate of candidates(request, version, variables)) {
    try {
      const found = await probe(candidate);
      if (version === undefined || `${found.version}.`.startsWith(`${version}.`)) return found;
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new ShenvError('INTERPRETER_MISSING', `No interpreter for '${request ?? 'python3'}' was found`, {
    hint: 'Install it, or give its path with --python; `shenv-fs python` shows what is here.',
    ...(reasons.length > 0 ? { found: reasons.join('; ') } : {}),
  });
}

/** Every usable interpreter, one for each base executable, newest version first. */
export async function listInterpreters(variables = process.env): Promise<Probe[]> {
  const found = new Map<string, Probe>();
  for await (const candidate of candidates(undefined, undefined, variables)) {
    const probe = await probeInterpreter(candidate).catch(() => undefined);
    if (probe && !found.has(`${probe.basePrefix} ${probe.version}`))
      found.set(`${probe.basePrefix} ${probe.version}`, probe);
  }
  return [...found.values()].sort((a, b) => compareVersions(b.version, a.version));
}

export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  for (let part = 0; part < 3; part += 1) {
    const difference = (left[part] ?? 0) - (right[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

async function* candidates(
  request: string | undefined,
  version: string | undefined,
  variables: NodeJS.ProcessEnv,
): AsyncGenerator<string> {
  const folders = (variables.PATH ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  const minor = version?.split('.').slice(0, 2).join('.');
  const names =
    request === undefined || version !== undefined
      ? [`python${minor ?? '3'}`, 'python3', 'python']
      : [request];
  const seen = new Set<string>();
  const offer = async function* (paths: Iterable<string>) {
    for (const path of paths) {
      if (seen.has(path) || !(await isExecutable(path))) continue;
      seen.add(path);
      yield path;
    }
  };
  yield* offer(names.flatMap((name) => folders.map((folder) => join(folder, name))));
  if (request !== undefined && version === undefined) return;
  const home = variables.HOME || homedir();
  yield* offer(await versionFolders(variables.PYENV_ROOT || join(home, '.pyenv'), 'versions'));
  yield* offer(
    await versionFolders(variables.UV_PYTHON_INSTALL_DIR || join(home, '.local/share/uv'), 'python'),
  );
  yield* offer(await systemInterpreters());
}

async function versionFolders(root: string, folder: string): Promise<string[]> {
  const names = await readdir(join(root, folder)).catch(() => []);
  const version = (name: string) => /(\d+\.\d+\.\d+)/.exec(name)?.[1] ?? '0';
  names.sort((a, b) => compareVersions(version(b), version(a)));
  return names.map((name) => join(root, folder, name, 'bin', 'python3'));
}

async function systemInterpreters(): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ['/usr/local/bin', '/usr/bin']) {
    const names = await readdir(folder).catch(() => []);
    const matching = names.filter((name) => /^python3(\.\d+)?$/.test(name));
    found.push(
      ...matching.sort((a, b) => compareVersions(b.slice(6), a.slice(6))).map((name) => join(folder, name)),
    );
  }
  return found;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
