import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { formatLock, type LockedPackage } from '../../src/env/pylock-file.js';
import type { Probe } from '../../src/python/probe.js';
import { projectRoot } from '../../test/support/sandbox.js';
import { buildWheel, writeWheel } from '../../test/support/wheel-builder.js';
import type { Bench } from './bench.js';
import { must } from './commands.js';

/** Wheels on the disk, and the requirements that choose among them. */
export interface WheelSet {
  name: string;
  wheels: string;
  requirements: string[];
  /** A pylock.toml of exactly this set, where there is one: nothing has to be resolved then. */
  lock?: string;
}

/** pip's and our options to install a set without an index. */
export function sourceOf({ wheels }: WheelSet): string[] {
  return ['--no-index', '--find-links', wheels];
}

/** The requirements of bench/sets/<name>.txt. */
export async function requirementsOf(name: string): Promise<string[]> {
  const text = await readFile(join(projectRoot, 'bench/sets', `${name}.txt`), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/**
 * The wheels of bench/sets/<name>.txt for an interpreter, from the cache or, the first time, from pip's configured
 * index. A finished download has its name; an interrupted one does not count.
 */
export async function downloadedSet(bench: Bench, name: string, python: Probe): Promise<WheelSet> {
  const requirements = await requirementsOf(name);
  const wheels = join(bench.settings.cache, `${name}-${python.minor}`);
  const isThere = await readdir(wheels).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    bench.settings.say(`  downloading the set ${name} for Python ${python.minor}`);
    const partial = `${wheels}.${process.pid}`;
    await mkdir(partial, { recursive: true });
    const args = ['-m', 'pip', 'download', '-q', '--only-binary', ':all:', '-d', partial];
    try {
      await must(python.baseExecutable, [...args, ...requirements]);
      await rename(partial, wheels);
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  }
  return { name, wheels, requirements };
}

/** `count` small distributions, each a package of three modules, and the lock of them. */
export async function generatedSet(bench: Bench, count: number): Promise<WheelSet> {
  const name = `generated-${count}`;
  const wheels = await bench.newFolder('wheels', name);
  const requirements: string[] = [];
  const packages: LockedPackage[] = [];
  for (let index = 0; index < count; index += 1) {
    const own = `part${String(index).padStart(4, '0')}`;
    const files = Object.fromEntries(
      ['__init__', 'one', 'two'].map((module) => [`${own}/${module}.py`, `NAME = "${own}.${module}"\n`]),
    );
    const { fileName, data } = buildWheel({ name: own, files });
    await writeFile(join(wheels, fileName), data);
    requirements.push(own);
    packages.push(lockedWheel(own, join(wheels, fileName), data));
  }
  const lock = join(await bench.newFolder('locks', name), 'pylock.toml');
  const requested = requirements;
  const text = { requiresPython: undefined, environments: [], defaultGroups: [], packages, requested };
  await writeFile(lock, formatLock(text, 'shenv-fs'));
  return { name, wheels, requirements, lock };
}

function lockedWheel(name: string, path: string, data: Buffer): LockedPackage {
  const sha256 = createHash('sha256').update(data).digest('hex');
  const none = { marker: undefined, requiresPython: undefined, sdist: undefined, archive: undefined };
  const noSource = { directory: undefined, vcs: undefined };
  const wheel = { name: basename(path), url: undefined, path, sha256 };
  return { name, version: '1.0', dependencies: [], wheels: [wheel], ...none, ...noSource };
}

/** How many directories of how many entries each the set of `directoriesSet` has. */
export const directorySizes = [
  { entries: 1, directories: 20 },
  { entries: 10, directories: 20 },
  { entries: 400, directories: 5 },
  { entries: 10_000, directories: 1 },
];

/** A distribution with directories of given sizes: `sized/<entries>/<n>/`. Holds no .py, so nothing is compiled. */
export async function directoriesSet(bench: Bench): Promise<WheelSet> {
  const wheels = await bench.newFolder('wheels', 'directories');
  const files: Record<string, string> = {};
  for (const { entries, directories } of directorySizes)
    for (let directory = 0; directory < directories; directory += 1)
      for (let entry = 0; entry < entries; entry += 1)
        files[`sized/${entries}/${directory}/file-${String(entry).padStart(5, '0')}.txt`] = `${entry}\n`;
  await writeWheel(wheels, { name: 'sized', files });
  return { name: 'directories', wheels, requirements: ['sized'] };
}
