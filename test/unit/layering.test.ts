import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import test from 'ava';
import { projectRoot } from '../support/sandbox.js';

const ranks: Readonly<Record<string, number>> = {
  base: 0,
  wheel: 1,
  image: 1,
  manifest: 1,
  store: 2,
  python: 2,
  view: 3,
  env: 4,
  mount: 5,
  cli: 6,
};

/** Which files may import a third-party package. */
const importers: Readonly<Record<string, { most: number; where: RegExp }>> = {
  yauzl: { most: 3, where: /^wheel\// },
  '@renovatebot/pep440': { most: 1, where: /^wheel\/version\.ts$/ },
  'msgpackr/pack': { most: 1, where: /^base\/msgpack\.ts$/ },
  'fuse-native': { most: 1, where: /^mount\/fuse-native-package\.ts$/ },
  commander: { most: 16, where: /^cli\// },
  'smol-toml': { most: 1, where: /^base\/toml/ },
  'cli-table3': { most: 1, where: /^cli\// },
  'cli-progress': { most: 1, where: /^cli\// },
  'lru-cache': { most: 8, where: /./ },
};

interface Import {
  from: string;
  to: string;
}

async function readImports(): Promise<Import[]> {
  const root = join(projectRoot, 'src');
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

function folderOf(path: string): string {
  return path.split('/')[0]!;
}

function targetOf({ from, to }: Import): string {
  return posix.join(posix.dirname(from), to);
}

test('every folder of src has a rank', async (t) => {
  const folders = await readdir(join(projectRoot, 'src'));
  t.deepEqual(
    folders.filter((folder) => !(folder in ranks)),
    [],
  );
});

test('no module imports from a higher rank, nor from another folder of its own rank', async (t) => {
  const wrong = (await readImports())
    .filter(({ to }) => to.startsWith('.'))
    .map((item) => ({ ...item, low: folderOf(item.from), high: folderOf(targetOf(item)) }))
    .filter(({ low, high }) => low !== high && !(ranks[high]! < ranks[low]!))
    .map(({ from, to }) => `${from} imports ${to}`);
  t.deepEqual(wrong, []);
});

test('each third-party package has its few importers and no other', async (t) => {
  const found = new Map<string, Set<string>>();
  for (const { from, to } of await readImports()) {
    if (to.startsWith('.') || to.startsWith('node:')) continue;
    found.set(to, (found.get(to) ?? new Set()).add(from));
  }
  for (const [name, files] of found) {
    const rule = importers[name];
    t.truthy(rule, `${name} is imported by ${[...files].join(', ')}`);
    t.true(files.size <= rule!.most, `${name} has ${files.size} importers`);
    for (const file of files) t.regex(file, rule!.where, `${name} is imported by ${file}`);
  }
});
