import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { unless } from '../../base/errors.js';
import { interpreterOf } from '../transfer/scripts.js';
import type { UpperFolder } from './upper-tree.js';

/**
 * Absolute paths that stand for an environment in files that installers wrote: where it is shown, or else, by what its
 * scripts and pyvenv.cfg name, where it was shown then.
 */
export async function findRoots(
  root: string,
  upper: UpperFolder,
  { name, mounts }: { name: string; mounts: readonly string[] },
): Promise<string[]> {
  const found = new Set<string>();
  const settings = await unless('ENOENT', readFile(join(root, 'pyvenv.cfg'), 'utf8'));
  const created = settings && / -m venv (?:.* )?(\/.*)$/m.exec(settings)?.[1];
  if (created) found.add(created);
  const bin = upper.entries.get('bin');
  for (const [script, { kind }] of bin?.kind === 'folder' ? bin.entries : []) {
    const python =
      kind === 'file' ? await unless('ENOENT', interpreterOf(join(root, 'bin', script))) : undefined;
    const at = python && /^(\/.*)\/bin\/python[\d.]*$/.exec(python)?.[1];
    // A script for another environment names another one's interpreter.
    if (at && basename(at) === name) found.add(at);
  }
  return mounts.length > 0 ? [...mounts] : [...found];
}
