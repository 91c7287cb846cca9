import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** One object of a tree: what two equal trees agree on. */
export interface TreeItem {
  kind: 'file' | 'directory' | 'link';
  /** Permission bits. */
  mode: number;
  sizeBytes: number;
  /** SHA-256 of a file, target of a link. */
  content: string;
}

/** Reads a whole tree: relative path to item. Symbolic links are not followed. */
export async function readTree(
  root: string,
  below = '',
  tree = new Map<string, TreeItem>(),
): Promise<Map<string, TreeItem>> {
  for (const name of await readdir(join(root, below))) {
    const path = below === '' ? name : `${below}/${name}`;
    const item = await readItem(join(root, path));
    tree.set(path, item);
    if (item.kind === 'directory') await readTree(root, path, tree);
  }
  return tree;
}

async function readItem(path: string): Promise<TreeItem> {
  const info = await lstat(path);
  const mode = info.mode & 0o7777;
  if (info.isSymbolicLink())
    return { kind: 'link', mode, sizeBytes: info.size, content: await readlink(path) };
  if (info.isDirectory()) return { kind: 'directory', mode, sizeBytes: 0, content: '' };
  const content = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  return { kind: 'file', mode, sizeBytes: info.size, content };
}

/** Every path at which two trees differ, with the way in which they do. */
export function compareTrees(a: ReadonlyMap<string, TreeItem>, b: ReadonlyMap<string, TreeItem>): string[] {
  const differences: string[] = [];
  for (const path of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const [left, right] = [a.get(path), b.get(path)];
    if (!left || !right) differences.push(`${path}: only in the ${left ? 'first' : 'second'}`);
    else if (left.kind !== right.kind) differences.push(`${path}: ${left.kind} and ${right.kind}`);
    else if (left.mode !== right.mode)
      differences.push(`${path}: mode ${left.mode.toString(8)} and ${right.mode.toString(8)}`);
    else if (left.content !== right.content)
      differences.push(`${path}: contents (${left.sizeBytes} and ${right.sizeBytes} bytes)`);
  }
  return differences;
}
