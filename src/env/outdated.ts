import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readInterpreter } from '../python/interpreter-record.js';
import { findPip, runPip } from './pip.js';
import { makeShadow } from './shadow.js';
import type { Workspace } from './workspace.js';

/** A distribution of which the index has a later version. */
export interface Outdated {
  name: string;
  version: string;
  latest: string;
}

/** What `pip list --outdated` says of an environment. Throws RESOLVER_MISSING, RESOLVER_FAILED. */
export async function outdated(
  workspace: Workspace,
  name: string,
  indexArgs: readonly string[],
): Promise<Outdated[]> {
  const { environments, outlines, progress, signal } = workspace;
  const { layers, interpreter: key, options } = await environments.read(name);
  const interpreter = await readInterpreter(environments.interpreters, key);
  const folder = await mkdtemp(join(tmpdir(), 'shenv-fs-outdated-'));
  try {
    progress.start('Asking the index', 0);
    const shadow = await makeShadow(folder, interpreter, { ...options, layers }, outlines);
    const pip = await findPip(interpreter, shadow.python);
    const args = ['list', '--outdated', '--local', '--format', 'json', ...indexArgs];
    const items = JSON.parse(await runPip(pip, args, progress, signal)) as (Record<string, string> & {
      name: string;
    })[];
    return items.map((item) => ({
      name: item.name,
      version: item.version ?? '',
      latest: item.latest_version ?? '',
    }));
  } finally {
    progress.finish();
    await rm(folder, { recursive: true, force: true });
  }
}
