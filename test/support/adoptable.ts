import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { PipMade, writeAdoptable } from './pip-made.js';

/** Nothing is written later than so many milliseconds from now. */
export const laterMs = 10_000;

/** With an environment `demo`, in which pip has installed what is wanted. */
export async function madeWith(t: ExecutionContext, ...requirements: string[]): Promise<PipMade> {
  const made = await PipMade.make(t);
  await writeAdoptable(made);
  await made.create('demo', ...requirements);
  return made;
}

/** site-packages of `demo`, before anything of it was adopted. */
export async function siteInUpper(made: PipMade): Promise<string> {
  const [python = ''] = await readdir(join(made.upper('demo').tree, 'lib'));
  return `lib/${python}/site-packages`;
}

/** The same, afterwards. */
export async function siteInLower(made: PipMade): Promise<string> {
  return (await made.lower('demo')).sitePackages;
}

/** Regular files of an upper layer that are not empty. */
export async function filesOf(made: PipMade, name: string): Promise<string[]> {
  const { tree } = made.upper(name);
  const found: string[] = [];
  for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (await stat(path)).size > 0) found.push(path.slice(tree.length + 1));
  }
  return found.sort();
}

/** Writes whiteouts, as an upper layer does for what is removed. */
export async function hideAll(tree: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(join(tree, dirname(path)), { recursive: true });
    await writeFile(join(tree, dirname(path), `.wh.${basename(path)}`), '');
  }
}
