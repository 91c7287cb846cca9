import { createCipheriv } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { compile } from '../support/probe-client.js';
import type { Sandbox } from '../support/sandbox.js';
import { type WheelSpec, writeWheel } from '../support/wheel-builder.js';

/** One file as a wheel brings it. */
export interface ExpectedFile {
  data: Buffer;
  executable: boolean;
  /** Name of the wheel; all are of version 1.0. */
  wheel: string;
}

export interface WheelSet {
  folder: string;
  /** In the order in which they are installed. */
  requirements: readonly string[];
  /** Path in the environment to file: each file that is shown as the wheel brings it. */
  expected: ReadonlyMap<string, ExpectedFile>;
}

export const moduleCount = 10_000;
export const depth = 60;
export const longestNameBytes = 255;
/** Around pages, around requests of 128 KiB, and more than one of the largest. */
export const sizes = [
  0,
  1,
  4095,
  4096,
  4097,
  65535,
  65536,
  65537,
  131071,
  131072,
  131073,
  (1 << 20) + 1,
  20 << 20,
];
/** No two differ only in case or normal form: the format refuses that. */
export const oddNames = [
  'with space.txt',
  ' leading space',
  'trailing space ',
  'double"quote',
  "single'quote",
  '`tick` $HOME ;&|<>*?',
  '.hidden',
  '-dash',
  '--help',
  '~tilde',
  'backup~',
  '%41%zz%',
  'a,comma',
  '...',
  '#hash#',
  '{brace}[x](y)',
  'a=b:c@d!e^f',
  'üñîçødé.txt',
  'e\u0301 combining',
  'Å ring',
  '😀.txt',
  '👩\u200d👩\u200d👧 family',
  '漢字.txt',
  'עברית',
  'zero\u200bwidth',
  `${'n'.repeat(longestNameBytes - 4)}.txt`,
  `${'é'.repeat((longestNameBytes - 1) / 2)}x`,
];

export const longFolder = 'd'.repeat(longestNameBytes);

/** The folder at the bottom of the deep tree, relative to site-packages. */
export const deepest = [
  'deep_tree',
  ...Array.from({ length: depth }, (_, level) => `level_${String(level + 1).padStart(2, '0')}`),
].join('/');

/** Bytes that do not compress, the same in every run. */
export function noise(bytes: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16, 7)).update(Buffer.alloc(bytes));
}

export function moduleName(index: number): string {
  return `mod_${String(index).padStart(5, '0')}`;
}

function manyModules(): WheelSpec {
  const files: Record<string, string> = { 'many_modules/__init__.py': '' };
  for (let index = 0; index < moduleCount; index += 1)
    files[`many_modules/${moduleName(index)}.py`] = `VALUE = ${index}\n`;
  return { name: 'many_modules', files };
}

function deepTree(): WheelSpec {
  const files: Record<string, string> = {};
  const parts = deepest.split('/');
  for (let level = 1; level <= parts.length; level += 1)
    files[`${parts.slice(0, level).join('/')}/__init__.py`] = `LEVEL = ${level - 1}\n`;
  files[`${deepest}/bottom.txt`] = 'bottom\n';
  return { name: 'deep_tree', files };
}

function oddNamed(): WheelSpec {
  const files: Record<string, string> = { 'odd_names/__init__.py': '' };
  for (const name of oddNames) files[`odd_names/${name}`] = `the file '${name}'\n`;
  files[`odd_names/${longFolder}/inside.txt`] = 'inside\n';
  return { name: 'odd_names', files };
}

function sizedFiles(): WheelSpec {
  const files = Object.fromEntries(sizes.map((size) => [`sized_files/${size}.bin`, noise(size)]));
  return { name: 'sized_files', files: { 'sized_files/__init__.py': '', ...files }, deflate: true };
}

const shellScript = '#!/bin/sh\nprintf \'shell-script\\t%s\\n\' "$1"\nexit 3\n';

async function programs(sandbox: Sandbox): Promise<WheelSpec> {
  const program = await readFile(await compile(sandbox, 'elf-program', ['programs/program.c']));
  const shared = ['-shared', '-fPIC'];
  const library = await readFile(await compile(sandbox, 'libanswer.so', ['programs/answer.c'], shared));
  const data = 'programs-1.0.data';
  return {
    name: 'programs',
    deflate: true,
    files: {
      'programs/__init__.py': "def main():\n    print('greetings')\n    return 0\n",
      'programs/libanswer.so': library,
      'programs/elf-program': program,
      [`${data}/scripts/elf-program`]: program,
      [`${data}/scripts/shell-script`]: shellScript,
      [`${data}/scripts/show-prefix`]: '#!python\nimport sys\nprint(sys.prefix)\n',
      [`${data}/data/share/programs/notes.txt`]: 'notes\n',
      [`${data}/headers/programs.h`]: '#define PROGRAMS 1\n',
    },
    executable: [
      'programs/libanswer.so',
      'programs/elf-program',
      ...['elf-program', 'shell-script', 'show-prefix'].map((name) => `${data}/scripts/${name}`),
    ],
    entryPoints: '[console_scripts]\ngreet = programs:main\n',
  };
}

/** Two distributions of one namespace package, which also share a folder of data. */
function namespacePart(part: string): WheelSpec {
  return {
    name: `space_${part}`,
    files: {
      [`shared_space/${part}/__init__.py`]: `NAME = '${part}'\n`,
      [`space_${part}-1.0.data/data/share/shared/${part}.txt`]: `${part}\n`,
    },
  };
}

/** Builds the wheels of the subject tree; `minor` is the Python's that they are installed for. */
export async function buildWheels(sandbox: Sandbox, minor: string): Promise<WheelSet> {
  const folder = sandbox.path('wheels');
  const expected = new Map<string, ExpectedFile>();
  const specs = [manyModules(), deepTree(), oddNamed(), sizedFiles(), await programs(sandbox)];
  specs.push(namespacePart('one'), namespacePart('two'));
  for (const spec of specs) {
    await writeWheel(folder, spec);
    for (const [member, content] of Object.entries(spec.files ?? {})) {
      if (member.endsWith('/show-prefix')) continue;
      const executable = spec.executable?.includes(member) ?? false;
      const data = Buffer.from(content as string);
      expected.set(placeOf(spec.name!, member, minor), { data, executable, wheel: spec.name! });
    }
  }
  return { folder, requirements: specs.map(({ name }) => name!), expected };
}

/** Where an installer puts a member (binary distribution format, "The .data directory"). */
function placeOf(wheel: string, member: string, minor: string): string {
  const data = `${wheel}-1.0.data/`;
  const places: [string, string][] = [
    [`${data}scripts/`, 'bin/'],
    [`${data}data/`, ''],
    [`${data}headers/`, `include/site/python${minor}/${wheel}/`],
    ['', `lib/python${minor}/site-packages/`],
  ];
  const [from, to] = places.find(([start]) => member.startsWith(start))!;
  return `${to}${member.slice(from.length)}`;
}
