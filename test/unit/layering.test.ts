import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { importsUpward, readImports } from '../support/imports.js';
import { projectRoot } from '../support/sandbox.js';

const ranks: Readonly<Record<string, number>> = {
  base: 0,
  wheel: 1,
  image: 1,
  manifest: 1,
  store: 2,
  python: 2,
  view: 3,
  upper: 4,
  env: 5,
  mount: 6,
  doctor: 7,
  cli: 8,
};

/** Which files may import a third-party package. */
const importers: Readonly<Record<string, { most: number; where: RegExp }>> = {
  yauzl: { most: 3, where: /^wheel\// },
  '@renovatebot/pep440': { most: 1, where: /^wheel\/version\.ts$/ },
  'msgpackr/pack': { most: 1, where: /^base\/msgpack\.ts$/ },
  'fuse-native': { most: 1, where: /^mount\/fuse-native-package\.ts$/ },
  commander: { most: 18, where: /^cli\// },
  'smol-toml': { most: 1, where: /^base\/toml/ },
  'cli-table3': { most: 1, where: /^cli\// },
  'cli-progress': { most: 1, where: /^cli\// },
  'lru-cache': { most: 8, where: /./ },
};

/** Of the benchmarks; their programs stand above all. */
const benchRanks: Readonly<Record<string, number>> = {
  report: 0,
  run: 1,
  contenders: 2,
  makers: 3,
  trials: 4,
};

const sources = join(projectRoot, 'src');

test('every folder of src has a rank', async (t) => {
  const folders = await readdir(sources);
  t.deepEqual(
    folders.filter((folder) => !(folder in ranks)),
    [],
  );
});

test('no module imports from a higher rank, nor from another folder of its own rank', async (t) => {
  t.deepEqual(importsUpward(await readImports(sources), ranks), []);
});

test('modules of the benchmarks import from a lower rank, the programs from any', async (t) => {
  const imports = (await readImports(join(projectRoot, 'bench'))).filter(({ from }) => from.includes('/'));
  t.true(imports.some(({ from }) => from.startsWith('trials/')));
  t.deepEqual(importsUpward(imports, benchRanks), []);
});

test('each third-party package has its few importers and no other', async (t) => {
  const found = new Map<string, Set<string>>();
  for (const { from, to } of await readImports(sources)) {
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
