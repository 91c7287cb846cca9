import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { sha256OfFile } from '../../src/base/digest.js';
import { ShenvError, unless } from '../../src/base/errors.js';
import { findPlaces } from '../../src/base/paths.js';
import { assignSlots, nowMs } from '../../src/env/change.js';
import type { Environments } from '../../src/env/environments.js';
import { openWorkspace, type Workspace } from '../../src/env/workspace.js';
import type { Manifest } from '../../src/manifest/types.js';
import { reloadMounts } from '../../src/mount/runtime.js';
import { putWheel } from '../../src/store/put.js';
import { anyInterpreter } from '../support/interpreters.js';
import { writeSampleWheels } from '../support/sample-wheels.js';
import { Sandbox } from '../support/sandbox.js';
import { writeWheel } from '../support/wheel-builder.js';
import type { Command } from './disturbed-command.js';
import { versionText } from './fault-mount.js';
import { baseRequested, type Scenario, type Supplies } from './scenarios.js';

/** The current manifest of every environment. */
export type Snapshot = ReadonlyMap<string, Manifest>;

/** A home whose environments are put back into a known state before each round. */
export class FaultHome {
  readonly sandbox: Sandbox;
  readonly #python: string;
  readonly #base = new Map<string, [Manifest, ...Manifest[]]>();
  #versions = 1;

  private constructor(sandbox: Sandbox, python: string) {
    this.sandbox = sandbox;
    this.#python = python;
  }

  static async make(): Promise<FaultHome> {
    const home = new FaultHome(await Sandbox.make(), (await anyInterpreter()).baseExecutable);
    try {
      await home.#prepare();
    } catch (error) {
      await home.sandbox.destroy();
      throw error;
    }
    return home;
  }

  async #prepare(): Promise<void> {
    const { sandbox } = this;
    await mkdir(this.temporary);
    const wheels = await writeSampleWheels(sandbox);
    const leaf = { 'leaf.py': versionText('1.0') };
    await writeWheel(wheels, { name: 'leaf', version: '1.0', files: leaf });
    const source = ['--no-index', '--find-links', wheels, '--without-pip', '--python', this.#python];
    await sandbox.expect('create', 'compiled', ...baseRequested, ...source);
    await sandbox.expect('create', 'plain', ...baseRequested, ...source, '--no-bytecode');
    const { environments } = this.open();
    const plain = await environments.read('plain');
    this.#base.set('plain', [plain]);
    this.#base.set('compiled', [await environments.read('compiled')]);
    this.#base.set('spare', [{ ...plain, name: 'spare' }]);
    const without = plain.layers.filter(({ image }) => image.name !== 'leaf');
    const rolled = { ...plain, name: 'rolled' };
    const first = { ...rolled, layers: without, requested: ['alpha'] };
    this.#base.set('rolled', [first, { ...rolled, generation: 2 }]);
  }

  /** What pip, the program and its children use for temporary files. */
  get temporary(): string {
    return this.sandbox.path('tmp');
  }

  /** Reads what is on disk now: nothing is remembered from an earlier round. */
  open(): Workspace {
    return openWorkspace(findPlaces(this.sandbox.variables));
  }

  get servantVariables(): NodeJS.ProcessEnv {
    return { ...this.sandbox.variables, TMPDIR: this.temporary };
  }

  command(args: readonly string[]): Command {
    const countFile = this.sandbox.path('calls');
    return { args, env: this.servantVariables, cwd: this.sandbox.folder, countFile };
  }

  /** Wheels that no round had before, and what names them. */
  async supply(): Promise<Supplies> {
    this.#versions += 1;
    const version = `${this.#versions}.0`;
    const folder = this.sandbox.path('rounds', version);
    await rm(this.sandbox.path('rounds'), { recursive: true, force: true });
    const files: Record<string, string | Buffer> = { 'fresh/data.bin': Buffer.alloc(60_000, version) };
    for (const module of ['__init__', 'a', 'b', 'c']) files[`fresh/${module}.py`] = versionText(version);
    const fresh = await writeWheel(folder, { name: 'fresh', version, requires: ['beta'], files });
    await writeWheel(folder, { name: 'leaf', version, files: { 'leaf.py': versionText(version) } });
    const wheels = this.sandbox.path('wheels');
    const pins = `alpha==1.0\nbeta==2.0\nfresh==${version}\n`;
    const supplies: Supplies = {
      version,
      python: this.#python,
      source: ['--no-index', '--find-links', wheels, '--find-links', folder],
      requirementsPath: join(folder, 'requirements.txt'),
      lockPath: join(folder, 'pylock.toml'),
      freshWheel: fresh,
    };
    await writeFile(supplies.requirementsPath, pins);
    const samples = ['alpha-1.0', 'beta-2.0'].map((stem) => join(wheels, `${stem}-py3-none-any.whl`));
    await writeFile(supplies.lockPath, await lockText(folder, [...samples, fresh]));
    return supplies;
  }

  /** Puts every environment back into its known state, by a further generation where that is needed. */
  async reset(scenario: Scenario): Promise<void> {
    const { environments } = this.open();
    const names = await environments.list();
    for (const name of names) if (!this.#base.has(name)) await environments.delete(name);
    for (const [name, base] of this.#base) {
      const current = names.includes(name) ? await readOrDelete(environments, name) : undefined;
      const newest = base.at(-1)!;
      if (current === undefined) {
        const serial = await environments.claimSerial();
        const [first, ...rest] = base.map((item) => ({ ...item, serial, createdMs: nowMs() }));
        await environments.create(first!, ...rest);
      } else if (!isDeepStrictEqual(contentOf(current), contentOf(newest))) {
        const generation = current.generation + 1;
        const slots = assignSlots(current.layers, newest.layers, current.nextSlot);
        const { requested } = newest;
        await environments.commit({ ...current, ...slots, requested, generation, createdMs: nowMs() });
      }
    }
    if (scenario.forgetsInterpreter)
      await rm(join(environments.interpreters, 'executables'), { recursive: true, force: true });
    if (scenario.name === 'gc') await this.#litter();
  }

  /** An image that no environment shows, and never did. */
  async #litter(): Promise<void> {
    const wheels = this.sandbox.path('rounds', `${this.#versions}.0`);
    await putWheel(this.open().store, join(wheels, `leaf-${this.#versions}.0-py3-none-any.whl`));
  }

  async reloadMounts(): Promise<void> {
    const { runtime, home } = this.open().places;
    await reloadMounts(runtime, home);
  }

  async snapshot(): Promise<Snapshot> {
    const { environments } = this.open();
    const manifests = new Map<string, Manifest>();
    for (const name of await environments.list()) manifests.set(name, await environments.read(name));
    return manifests;
  }

  /** Every file and folder that is staged or temporary, and every lease of an operation. */
  async leftovers(): Promise<string[]> {
    const { places, store, environments } = this.open();
    const { interpreters, plans, changes } = environments;
    const { staging, leases, roots, homes } = store.layout;
    const passing = [join(places.home, 'tmp'), staging, this.temporary, leases, changes];
    const ids = ((await unless('ENOENT', readdir(roots))) ?? []).map((id) => join(roots, id));
    const others = [places.home, plans, interpreters, join(interpreters, 'executables'), homes, ...ids];
    const found: string[] = [];
    for (const folder of [...passing, ...others]) {
      for (const name of (await unless('ENOENT', readdir(folder))) ?? []) {
        const isPassing = passing.includes(folder) && !/^mount-.*\.lease$/.test(name);
        if (isPassing || name.endsWith('.tmp')) found.push(join(folder, name));
      }
    }
    return found;
  }
}

/** A history of this length is done away with, and its images with it. */
const maxGenerations = 5;

/** What a violation left unreadable goes, so that the next round finds a sound home. */
async function readOrDelete(environments: Environments, name: string): Promise<Manifest | undefined> {
  try {
    const current = await environments.read(name);
    if (current.generation < maxGenerations) return current;
    await environments.delete(name);
    return undefined;
  } catch (error) {
    if (!(error instanceof ShenvError)) throw error;
    await environments.delete(name);
    return undefined;
  }
}

function contentOf({ layers, requested }: Manifest): unknown {
  const images = layers.map(({ image, reason, bytecode }) => ({ image, reason, bytecode }));
  return { images, requested };
}

async function lockText(folder: string, wheels: readonly string[]): Promise<string> {
  const packages: string[] = [];
  for (const path of wheels) {
    const [name, version] = basename(path).split('-');
    const digest = await sha256OfFile(path);
    const place = `name = "${basename(path)}", path = "${relative(folder, path)}"`;
    const wheel = `{ ${place}, hashes = { sha256 = "${digest}" } }`;
    packages.push(`[[packages]]\nname = "${name}"\nversion = "${version}"\nwheels = [${wheel}]\n`);
  }
  return `lock-version = "1.0"\ncreated-by = "test"\n\n${packages.join('\n')}`;
}
