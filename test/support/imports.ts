import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';

export interface Import {
  /** Relative to the folder that was read. */
  from: string;
  to: string;
}

/** Every import of the TypeScript files below a folder. */
export async function readImports(root: string): Promise<Import[]> {
  const files = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const imports: Import[] = [];
  for (const from of files) {
    const text = await readFile(join(root, from), 'utf8');
    const statements = /(?:^(?:import|export|\})[^'\n]*\bfrom |^import |\bimport\()'([^']+)'/gm;
    for (const [, to = ''] of text.matchAll(statements)) imports.push({ from, to });
    if (/const name: string = 'fuse-native'/.test(text)) imports.push({ from, to: 'fuse-native' });
  }
  return imports;
}

/** `<file> imports <file>` for each import from a folder of a higher rank, or from another of the same rank. */
export function importsUpward(imports: readonly Import[], ranks: Readonly<Record<string, number>>): string[] {
  return imports
    .filter(({ to }) => to.startsWith('.'))
    .map(({ from, to }) => ({ from, to, target: posix.join(posix.dirname(from), to) }))
    .filter(({ target }) => !target.startsWith('..'))
    .map((item) => ({ ...item, low: folderOf(item.from), high: folderOf(item.target) }))
    .filter(({ low, high }) => low !== high && !(ranks[high]! < ranks[low]!))
    .map(({ from, to }) => `${from} imports ${to}`);
}

function folderOf(path: string): string {
  return path.split('/')[0]!;
}
