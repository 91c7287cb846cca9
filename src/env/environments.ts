import { mkdir, readdir, readFile, rename, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  publishExclusively,
  removeStaged,
  stageFile,
  stagingName,
  syncFolder,
} from '../base/atomic-write.js';
import { claimNumber } from '../base/claims.js';
import { ShenvError, systemErrorCode, unless } from '../base/errors.js';
import { removeTree } from '../base/remove-tree.js';
import { isForeignLink, readRegular } from '../base/trust.js';
import { decodeManifest, encodeManifest } from '../manifest/codec.js';
import type { Manifest } from '../manifest/types.js';
import {
  allOf,
  decodeOrNothing,
  manifestName,
  manifestPattern,
  readGenerations,
  stageAll,
  stageManifest,
} from './generation-files.js';
import { checkEnvironmentName } from './name.js';
import { noteChange } from './note-change.js';
import type { Registration } from './registration.js';
import { type MakeSealed, SealedFiles } from './sealed/files.js';
import { UpperFolder } from './upper-folder.js';

/** The environments of one home: a folder each, with a manifest a generation. */
export class Environments {
  readonly #home: string;
  readonly #folder: string;
  readonly #serials: string;
  readonly #staging: string;
  /** Records of interpreters, shared by the environments. */
  readonly interpreters: string;
  /** What installing from a lock came to: env/plan-cache.ts. */
  readonly plans: string;
  /** An empty file for each environment that may inherit others, so that looking for them reads few. */
  readonly #children: string;
  /** Journals of changes of several environments: env/joint-change.ts. */
  readonly changes: string;
  /** Grows with every change, so that one look tells whether there was any: mount/watch-home.ts. */
  readonly changed: string;
  readonly #registration: Registration | undefined;
  /** Of generations that have their metadata in one file. */
  readonly sealed: SealedFiles;

  /** Without a registration no gc knows of what is published here: only for who just reads. */
  constructor(home: string, registration?: Registration, makeSealed?: MakeSealed) {
    this.#registration = registration;
    this.changed = join(home, 'changed');
    this.#home = home;
    this.#folder = join(home, 'environments');
    this.sealed = new SealedFiles(this.#folder, makeSealed);
    this.#serials = join(home, 'serials');
    this.#staging = join(home, 'tmp');
    this.interpreters = join(home, 'interpreters');
    this.plans = join(home, 'plans');
    this.changes = join(home, 'changes');
    this.#children = join(home, 'children');
  }

  /**
   * Where a watcher sees environments come and go; made if need be, for this user alone: who opens it to others shows
   * them every environment in it.
   */
  async folder(): Promise<string> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    return this.#folder;
  }

  async list(): Promise<string[]> {
    if (await isForeignLink(this.#folder)) return [];
    const entries = (await unless('ENOENT', readdir(this.#folder, { withFileTypes: true }))) ?? [];
    const names: string[] = [];
    for (const entry of entries) {
      if (entry.isDirectory() && (await this.#manifestFiles(entry.name)).length > 0) names.push(entry.name);
    }
    return names.sort();
  }

  /** Generations that exist, oldest first. Throws ENVIRONMENT_MISSING. */
  async generations(name: string): Promise<number[]> {
    checkEnvironmentName(name);
    const isLedAway = await isForeignLink(this.#folder);
    const numbers = (isLedAway ? [] : await this.#manifestFiles(name)).map((file) =>
      Number(manifestPattern.exec(file)![1]),
    );
    if (numbers.length > 0) return numbers.sort((a, b) => a - b);
    throw new ShenvError('ENVIRONMENT_MISSING', `There is no environment '${name}'`, {
      hint: '`shenv-fs list` shows those that there are.',
    });
  }

  /** The newest generation, or the one asked for. Throws ENVIRONMENT_MISSING, MANIFEST_DAMAGED. */
  async read(name: string, generation?: number): Promise<Manifest> {
    const path = this.#manifestPath(name, generation ?? (await this.generations(name)).at(-1)!);
    // A mount of another user's home waits for no FIFO there and follows no link out of it.
    const data = await unless('ENOENT', readRegular(path));
    if (data) return decodeManifest(data, path);
    throw new ShenvError('ENVIRONMENT_MISSING', `'${name}' has no generation ${generation}`, {
      hint: `\`shenv-fs show ${name}\` tells the current one.`,
    });
  }

  /** Names of the environments that may inherit others: all that do, and some that do not any more. */
  async mayInherit(): Promise<string[]> {
    return (await unless('ENOENT', readdir(this.#children))) ?? [];
  }

  async #noteParents({ name, parents }: Manifest): Promise<void> {
    if (parents.length === 0) return;
    await mkdir(this.#children, { recursive: true, mode: 0o755 });
    await writeFile(join(this.#children, name), '');
  }

  /** A number for a new environment; never given again. `isDurable`: not even after the machine has died. */
  async claimSerial(isDurable = true): Promise<number> {
    return claimNumber(this.#serials, () => 1, isDurable);
  }

  /** Publishes a new environment with its generations, oldest first, in one step. Throws ENVIRONMENT_EXISTS. */
  create(...generations: [Manifest, ...Manifest[]]): Promise<void> {
    return this.createWith(async () => undefined, ...generations);
  }

  /** As `create`; `prepare` puts what else is to be in its folder into the one that is staged. */
  async createWith(
    prepare: (staged: string) => Promise<void>,
    ...generations: [Manifest, ...Manifest[]]
  ): Promise<void> {
    checkEnvironmentName(generations[0].name);
    for (const manifest of generations) await this.#noteParents(manifest);
    await this.#publishFolder(generations[0].name, async (staged) => {
      await prepare(staged);
      // At once, because each waits for the disk; both are durable before anything is published.
      await allOf(this.register(generations), stageAll(staged, generations));
    });
    await syncFolder(this.#folder);
    await noteChange(this.changed);
  }

  /** As `createWith` for one that refers to nothing in a store; that it is there is durable a little later. */
  async createSoon(prepare: (staged: string) => Promise<void>, manifest: Manifest): Promise<void> {
    checkEnvironmentName(manifest.name);
    await this.#publishFolder(manifest.name, async (staged) => {
      await prepare(staged);
      await stageManifest(staged, manifest);
    });
    void syncFolder(this.#folder).catch(() => undefined);
    await noteChange(this.changed);
  }

  async #publishFolder(name: string, fill: (staged: string) => Promise<void>): Promise<void> {
    await mkdir(this.#staging, { recursive: true, mode: 0o755 });
    await this.folder();
    const staged = join(this.#staging, stagingName());
    await mkdir(staged, { mode: 0o755 });
    try {
      await fill(staged);
      await rename(staged, join(this.#folder, name));
    } catch (error) {
      await removeTree(staged);
      const isTaken = ['ENOTEMPTY', 'EEXIST'].includes(systemErrorCode(error) ?? '');
      throw isTaken ? environmentExists(name) : error;
    }
  }

  /**
   * Publishes a further generation. Throws ENVIRONMENT_CHANGED when another process was first, and what keeps one of a
   * sealed environment from being sealed; with `mayBeUnsealed` its images are read then.
   */
  async commit(manifest: Manifest, { mayBeUnsealed = false } = {}): Promise<void> {
    await this.#noteParents(manifest);
    await this.register([manifest]);
    const preparing = this.sealed.prepare(manifest);
    const sealed = await (mayBeUnsealed ? preparing.catch(() => undefined) : preparing);
    const published = await this.#publish(manifest).catch(async (error: unknown) => {
      await this.sealed.takeBack(sealed);
      throw error;
    });
    if (published) return this.announce(manifest.name);
    await this.sealed.takeBack(sealed);
    throw new ShenvError(
      'ENVIRONMENT_CHANGED',
      `'${manifest.name}' was changed by another process meanwhile`,
      {
        hint: 'Nothing was lost; run the command again.',
      },
    );
  }

  async #publish(manifest: Manifest): Promise<boolean> {
    const staged = await stageFile(this.#staging, (file) => file.writeFile(encodeManifest(manifest)));
    return publishExclusively(staged, this.#manifestPath(manifest.name, manifest.generation));
  }

  /** Removes old generations of an environment; the newest one stays in any case. */
  async prune(name: string, generations: readonly number[]): Promise<void> {
    const newest = (await this.generations(name)).at(-1)!;
    const doomed = generations.filter((generation) => generation < newest);
    const serial = await this.#serialOf(name, newest);
    if (doomed.length === 0 || serial === undefined) return;
    for (const generation of doomed) await unless('ENOENT', unlink(this.#manifestPath(name, generation)));
    await this.sealed.remove(name, (generation) => doomed.includes(generation));
    await syncFolder(join(this.#folder, name));
    await noteChange(this.changed);
    await this.#registration?.retire(serial, (generation) => doomed.includes(generation));
  }

  /** Takes the environment out of the home in one step, then removes it. Throws ENVIRONMENT_MISSING. */
  async delete(name: string): Promise<void> {
    const newest = (await this.generations(name)).at(-1)!;
    const serial = await this.#serialOf(name, newest);
    await mkdir(this.#staging, { recursive: true, mode: 0o755 });
    const doomed = join(this.#staging, stagingName());
    const place = join(this.#folder, name);
    await rename(place, doomed);
    await syncFolder(this.#folder).catch(async (error: unknown) => {
      await rename(doomed, place).catch(() => undefined);
      throw error;
    });
    await noteChange(this.changed);
    await removeTree(doomed);
    await unless('ENOENT', unlink(join(this.#children, name)));
    if (serial !== undefined) await this.#registration?.retire(serial);
  }

  /** Every generation of every environment, and those that cannot be read. */
  async readAll(): Promise<{ manifests: Manifest[]; damaged: { name: string; generation: number }[] }> {
    const manifests: Manifest[] = [];
    const damaged: { name: string; generation: number }[] = [];
    for (const name of await this.list()) {
      // What is deleted meanwhile has none.
      const files = (await this.#manifestFiles(name)).sort();
      const found = await readGenerations(join(this.#folder, name), files);
      manifests.push(...found.manifests);
      damaged.push(...found.damaged.map((generation) => ({ name, generation })));
    }
    return { manifests, damaged };
  }

  /** Registers generations that are to be published, before anything is, and what is there where the store does not know. */
  async register(manifests: readonly Manifest[] = []): Promise<void> {
    await this.#registration?.register(manifests, async () => (await this.readAll()).manifests);
  }

  /** Undefined where the manifest is damaged: gc finds out that its roots are of nothing. */
  async #serialOf(name: string, generation: number): Promise<number | undefined> {
    const path = this.#manifestPath(name, generation);
    const data = await unless('ENOENT', readFile(path));
    return data && decodeOrNothing(data, path)?.serial;
  }

  /** Removes what commands that were killed have left half-written. */
  async removeLeftovers(): Promise<void> {
    const folders = [this.#home, this.#staging, this.changes, this.plans, this.interpreters];
    for (const folder of folders) await removeStaged(folder, Date.now());
    for (const name of await this.list()) await removeStaged(join(this.#folder, name), Date.now());
  }

  async assertFree(name: string): Promise<void> {
    checkEnvironmentName(name);
    if ((await this.#manifestFiles(name)).length > 0) throw environmentExists(name);
  }

  /** Where the upper layer of an environment is, or would be. */
  upper(name: string): UpperFolder {
    return new UpperFolder(join(this.#folder, name));
  }

  /**
   * To be called after a change in the folder of an environment. Daemons watch the folder of environments, not each one's
   * own: a time that is set shows them that one has changed, even when this process ends before it can tell them.
   */
  async announce(name: string): Promise<void> {
    const now = new Date();
    await unless('ENOENT', utimes(join(this.#folder, name), now, now));
    await noteChange(this.changed);
  }

  async #manifestFiles(name: string): Promise<string[]> {
    if (await isForeignLink(join(this.#folder, name))) return [];
    const files = await unless('ENOENT', readdir(join(this.#folder, name)));
    return (files ?? []).filter((file) => manifestPattern.test(file));
  }

  #manifestPath(name: string, generation: number): string {
    return join(this.#folder, name, manifestName(generation));
  }
}

function environmentExists(name: string): ShenvError {
  return new ShenvError('ENVIRONMENT_EXISTS', `There is an environment '${name}' already`, {
    hint: `Choose another name, or remove it with \`shenv-fs delete ${name}\`.`,
  });
}
