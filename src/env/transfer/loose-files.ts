import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { unless } from '../../base/errors.js';
import type { SkeletonEntry } from '../../python/skeleton.js';
import { type Installed, isBytecode } from './survey.js';
import type { Venv } from './venv.js';

/** What no distribution of a venv names; paths relative to its root. */
export interface LooseFiles {
  files: string[];
  /** What a layer cannot hold, with the reason. */
  left: { path: string; reason: string }[];
}

/** What venv, virtualenv and uv write besides what the interpreter's own venv module does. */
const creatorsFiles =
  /^(?:pyvenv\.cfg|\.gitignore|CACHEDIR\.TAG|\.lock|bin\/(?:[Aa]ctivate\b.*|activate_this\.py|deactivate\.\w+|pydoc\.bat|\u{1D70B}thon|python[\d.]*t?)|lib\/[^/]+\/site-packages\/_virtualenv\.(?:py|pth))$/u;

/** Walks the whole venv; changes nothing. */
export async function findLooseFiles(
  venv: Venv,
  installed: readonly Installed[],
  skeleton: readonly SkeletonEntry[],
): Promise<LooseFiles> {
  const known = new Set(skeleton.filter(({ kind }) => kind !== 'directory').map(({ path }) => path));
  for (const { files, generated } of installed)
    for (const path of [...files.keys(), ...generated]) known.add(path);
  const found: LooseFiles = { files: [], left: [] };
  const isOwn = (path: string) => known.has(path) || creatorsFiles.test(path) || isBytecode(path);
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readdir(join(venv.root, folder), { withFileTypes: true });
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(path);
      else if (!isOwn(path)) await classify(venv, path, entry, found);
    }
  }
  found.files.sort();
  return found;
}

async function classify(venv: Venv, path: string, entry: Dirent, found: LooseFiles): Promise<void> {
  const reason = await reasonToLeave(venv, path, entry);
  if (reason === undefined) found.files.push(path);
  else found.left.push({ path, reason });
}

async function reasonToLeave(
  { root, sitePackages }: Venv,
  path: string,
  entry: Dirent,
): Promise<string | undefined> {
  if (path === 'lib64') return 'an installer makes it anew';
  const info = await unless('ENOENT', stat(join(root, path)));
  if (!info) return 'leads nowhere';
  if (!info.isFile()) return entry.isSymbolicLink() ? 'is a link to a folder' : 'is no regular file';
  const [top = ''] = path.startsWith(`${sitePackages}/`)
    ? path.slice(sitePackages.length + 1).split('/')
    : [];
  return top.endsWith('.dist-info') ? 'is in a .dist-info folder, but not in its RECORD' : undefined;
}
