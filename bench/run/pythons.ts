import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Probe } from '../../src/python/probe.js';
import { interpreterOf, minors } from '../../test/support/interpreters.js';
import type { Bench } from './bench.js';
import { ask } from './commands.js';

/** The interpreters beside the main one; those that are not here are named as left out. */
export async function otherPythons(bench: Bench, trial: string): Promise<Probe[]> {
  const found: Probe[] = [];
  for (const minor of minors) {
    if (minor === bench.settings.python.minor) continue;
    if (!wantsPython(bench, minor)) {
      bench.skip(`${trial} with Python ${minor}`, 'not among --pythons');
      continue;
    }
    const python = await interpreterOf(minor);
    if (python) found.push(python);
    else bench.skip(`${trial} with Python ${minor}`, 'there is no such interpreter here');
  }
  return found;
}

export function wantsPython({ settings }: Bench, minor: string): boolean {
  return settings.pythons?.includes(minor) ?? true;
}

/** Python 2.7, which shenv-fs itself does not serve: on PATH, or one of pyenv's. */
export async function findPython2(): Promise<string | undefined> {
  const versions = join(process.env.PYENV_ROOT || join(homedir(), '.pyenv'), 'versions');
  const names = (await readdir(versions).catch(() => [])).filter((name) => name.startsWith('2.7.'));
  for (const program of ['python2.7', ...names.map((name) => join(versions, name, 'bin/python2.7'))])
    if (await ask(program, ['-c', 'pass'])) return program;
  return undefined;
}
