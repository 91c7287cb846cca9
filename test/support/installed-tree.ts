import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Paths of an environment below its root, with what each is: a mode and a content, `<env>` standing for the root. */
export type InstalledTree = Map<string, string>;

const bytecode = 'bytecode';

/** Reads an environment without what follows from its place, and without what bytecode contains. */
export async function readInstalled(
  root: string,
  below = '',
  found: InstalledTree = new Map(),
): Promise<InstalledTree> {
  for (const name of await readdir(join(root, below))) {
    const path = below === '' ? name : `${below}/${name}`;
    const info = await lstat(join(root, path));
    const mode = (info.mode & 0o777).toString(8);
    if (info.isSymbolicLink())
      found.set(path, `link ${(await readlink(join(root, path))).replaceAll(root, '<env>')}`);
    else if (info.isDirectory()) {
      found.set(path, `folder ${mode}`);
      await readInstalled(root, path, found);
    } else found.set(path, `file ${mode} ${await contentOf(root, path)}`);
  }
  return found;
}

async function contentOf(root: string, path: string): Promise<string> {
  if (path.endsWith('.pyc')) return bytecode;
  const text = (await readFile(join(root, path), 'latin1')).replaceAll(root, '<env>');
  if (path.startsWith('bin/')) return canonicalScript(text);
  // A mounted environment gets its pip from the store.
  if (path === 'pyvenv.cfg') return text.replace(' --without-pip', '');
  return path.endsWith('.dist-info/RECORD') ? withoutDigests(text) : text;
}

const entryPointScript =
  /^#!<env>\/bin\/python[\d.]*\n(?:# -\*- coding: utf-8 -\*-\n)?(?:import re\n)?import sys\nfrom (\S+) import (\S+)\nif __name__ == ['"]__main__['"]:\n[^\n]*\n(?: {4}sys\.argv[^\n]*\n)? *sys\.exit\((\S+)\(\)\)\n$/;

/** What starts an entry point, whichever version of an installer wrote it (docs/exclusions.md). */
function canonicalScript(text: string): string {
  const found = entryPointScript.exec(text);
  return found ? `starts ${found[1]}:${found[3]}` : text;
}

/** Rows of scripts, which carry the environment's path, and of bytecode, by path alone. */
function withoutDigests(record: string): string {
  const rows = record
    .split('\n')
    .map((row) => (/^(\.\.\/|.*\.pyc,)/.test(row) ? row.split(',')[0] : row.trimEnd()));
  return rows.sort().join('\n');
}

/** Every path at which they differ, with the beginning of what each has there. */
export function compareInstalled(one: InstalledTree, other: InstalledTree): string[] {
  const paths = [...new Set([...one.keys(), ...other.keys()])].sort();
  return paths
    .filter((path) => one.get(path) !== other.get(path))
    .map((path) => `${path}: ${shorten(one.get(path))} / ${shorten(other.get(path))}`);
}

function shorten(text: string | undefined): string {
  return text === undefined ? 'nothing' : JSON.stringify(text.slice(0, 300));
}
