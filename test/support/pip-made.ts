import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { findPlaces } from '../../src/base/paths.js';
import { run } from '../../src/base/run.js';
import { adopt, type Outcome } from '../../src/env/adopt/adopt.js';
import { loadLower } from '../../src/env/adopt/lower-view.js';
import { readTimes } from '../../src/env/adopt/times.js';
import { createBare } from '../../src/env/bare.js';
import { openWorkspace, type Workspace } from '../../src/env/workspace.js';
import { ImageContents } from '../../src/store/image-contents.js';
import type { View } from '../../src/view/tree.js';
import { anyInterpreter } from './interpreters.js';
import { readMerged, type Shown } from './merged-tree.js';
import { temporaryFolder } from './temporary-folder.js';
import { writeWheel } from './wheel-builder.js';

/** Later than every file of a test by more than what is spared for being new. */
const inAWhileMs = 10_000;

/** Writable environments that a real pip has filled; nothing is mounted. */
export class PipMade {
  readonly folder: string;
  readonly workspace: Workspace;

  private constructor(folder: string) {
    this.folder = folder;
    const places = findPlaces({ HOME: folder, SHENV_RUNTIME: join(folder, 'run') });
    this.workspace = openWorkspace(places);
  }

  static async make(t: ExecutionContext): Promise<PipMade> {
    return new PipMade(await temporaryFolder(t));
  }

  /** Where the environment would be shown. */
  shownAt(name: string): string {
    return join(this.folder, 'mnt', name);
  }

  upper(name: string) {
    return this.workspace.environments.upper(name);
  }

  /** A bare environment with what `python -m venv` and pip write into it. */
  async create(name: string, ...requirements: string[]): Promise<void> {
    const { baseExecutable } = await anyInterpreter();
    await createBare(this.workspace, name);
    await this.#expect(baseExecutable, '-m', 'venv', '--without-pip', this.#place(name));
    await rm(this.upper(name).tree, { recursive: true });
    await rename(this.#place(name), this.upper(name).tree);
    await this.pip(name, 'install', ...requirements);
  }

  /** Runs pip on it, as it would at the place where the environment is shown. */
  async pip(name: string, ...words: string[]): Promise<void> {
    const { baseExecutable } = await anyInterpreter();
    await mkdir(join(this.folder, 'mnt'), { recursive: true });
    await rename(this.upper(name).tree, this.#place(name));
    const source =
      words[0] === 'install' ? ['--no-index', '--find-links', join(this.folder, 'wheels')] : ['-y'];
    const python = join(this.#place(name), 'bin/python');
    await this.#expect(baseExecutable, '-m', 'pip', '--python', python, ...words, ...source);
    await rename(this.#place(name), this.upper(name).tree);
  }

  #place(name: string): string {
    return this.shownAt(name);
  }

  async #expect(command: string, ...words: string[]): Promise<void> {
    const env = { ...process.env, PIP_CONFIG_FILE: '/dev/null', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
    delete (env as NodeJS.ProcessEnv).PYTHONDONTWRITEBYTECODE;
    const { status, stderr } = await run(command, words, { env, timeoutMs: 120_000 });
    if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${stderr}`);
  }

  adopt(name: string): Promise<Outcome> {
    const nowMs = Date.now() + inAWhileMs;
    return adopt(this.workspace, name, { mounts: [this.shownAt(name)], nowMs });
  }

  async lower(name: string): Promise<View> {
    const manifest = await this.workspace.environments.read(name);
    return loadLower(this.workspace, manifest, await readTimes(this.upper(name).path));
  }

  /** What is shown at each path. */
  async shown(name: string): Promise<Map<string, Shown>> {
    const contents = new ImageContents();
    try {
      const [root, path] = [this.upper(name).tree, this.shownAt(name)];
      return await readMerged({ root, lower: await this.lower(name), path, name, contents });
    } finally {
      contents.close();
    }
  }
}

/** Wheels with a package, scripts of both kinds, data, and a part of a namespace package each. */
export async function writeAdoptable(made: PipMade): Promise<void> {
  const folder = join(made.folder, 'wheels');
  await writeWheel(folder, {
    name: 'alpha',
    version: '1.0',
    requires: ['beta'],
    entryPoints: '[console_scripts]\nalpha = alpha:main\n',
    files: {
      'alpha/__init__.py': 'VERSION = "1.0"\ndef main():\n    print("alpha runs")\n',
      'alpha/inner/__init__.py': '',
      'alpha/inner/table.bin': Buffer.alloc(100_000, 'shenv-fs'),
      'space/one.py': 'ONE = 1\n',
      'alpha-1.0.data/scripts/alpha-tool': '#!python\nimport sys\nprint(sys.prefix)\n',
      'alpha-1.0.data/data/share/alpha.txt': 'text\n',
    },
    executable: ['alpha-1.0.data/scripts/alpha-tool'],
  });
  await writeWheel(folder, {
    name: 'alpha',
    version: '2.0',
    requires: ['beta'],
    files: { 'alpha/__init__.py': 'VERSION = "2.0"\n', 'space/one.py': 'ONE = 2\n' },
  });
  await writeWheel(folder, {
    name: 'beta',
    version: '2.0',
    files: { 'beta.py': 'VERSION = "2.0"\n', 'space/two.py': 'TWO = 2\n' },
  });
}

/** Paths at which two trees show something else. */
export function differing(a: ReadonlyMap<string, Shown>, b: ReadonlyMap<string, Shown>): string[] {
  const paths = [...new Set([...a.keys(), ...b.keys()])].sort();
  return paths.flatMap((path) =>
    a.get(path) === b.get(path) ? [] : [`${path}: ${a.get(path)} and ${b.get(path)}`],
  );
}
