import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { sha256 } from '../../src/base/digest.js';
import { unless } from '../../src/base/errors.js';
import { listEnvironments, showEnvironment } from '../../src/cli/commands/environments.js';
import { loadView } from '../../src/env/load-view.js';
import type { Workspace } from '../../src/env/workspace.js';
import { digestOf, readDigests } from '../../src/image/digests.js';
import { walkImage } from '../../src/image/dump.js';
import { Image } from '../../src/image/read.js';
import type { Manifest } from '../../src/manifest/types.js';
import { ImageCache } from '../../src/store/image-cache.js';
import { ImageContents } from '../../src/store/image-contents.js';
import type { Snapshot } from './fault-home.js';
import type { Held } from './scenarios.js';

/** Every violation throws; its message tells what is not as it should be. */
export class Violation extends Error {}

/** What a command was to change. */
export interface Expected {
  before: Snapshot;
  after: Readonly<Record<string, Held>>;
  mayBeBetween: boolean;
}

/** `between`: of two environments that a command changes, one is in its new state already. */
export type State = 'old' | 'between' | 'new';

/**
 * Whether the environments are exactly in their state before the command or in that after it; every
 * other environment must be as it was, and `list` and `show` must work.
 */
export async function checkEnvironments(
  workspace: Workspace,
  expected: Expected,
  now: Snapshot,
): Promise<State> {
  const { before, after } = expected;
  const { data } = await listEnvironments(workspace);
  const listed = data as { name: string; error?: string }[];
  for (const { name, error } of listed) if (error) throw new Violation(`list says of ${name}: ${error}`);
  const names = listed.map(({ name }) => name);
  if (!isDeepStrictEqual(names, [...now.keys()])) throw new Violation('list is wrong');
  for (const name of new Set([...before.keys(), ...now.keys()])) {
    const isUnchanged = isDeepStrictEqual(before.get(name), now.get(name));
    if (!(name in after) && !isUnchanged)
      throw new Violation(`${name} was changed and is none of the command's business`);
    const manifest = now.get(name);
    if (!(name in after) || !manifest) continue;
    await showEnvironment(workspace, name, {});
    await loadView(manifest, new ImageCache(workspace.store), workspace.environments.interpreters);
  }
  const states = new Set(Object.keys(after).map((name) => stateOf(name, expected, now)));
  if (states.size < 2) return [...states][0] ?? 'old';
  if (expected.mayBeBetween) return 'between';
  throw new Violation('one environment is in its old state, another in its new one');
}

function stateOf(name: string, { before, after }: Expected, now: Snapshot): 'old' | 'new' {
  const [then, current] = [before.get(name), now.get(name)];
  if (isDeepStrictEqual(then, current)) return 'old';
  const isNew =
    isDeepStrictEqual(heldBy(current), after[name]) &&
    (current === undefined || then === undefined || current.generation === then.generation + 1) &&
    (current === undefined || then === undefined || current.serial === then.serial);
  if (isNew) return 'new';
  const text = JSON.stringify({ generation: current?.generation, ...heldBy(current) });
  throw new Violation(`${name} is neither in its old nor in its new state: ${text}`);
}

/** Names and versions of what an environment holds. */
export function heldBy(manifest: Manifest | undefined): Held {
  return manifest && Object.fromEntries(manifest.layers.map(({ image }) => [image.name, image.version]));
}

/** Checks the images of one store as they come; each is read as a whole once, and again when it changed. */
export class ImageChecks {
  readonly #known = new Map<string, { identity: string; serial: number }>();
  #count = 0;

  /** How many were read. */
  get count(): number {
    return this.#count;
  }

  /** Throws Violation for what is no image, an image that is damaged or shares its serial. */
  async check(...folders: string[]): Promise<void> {
    const seen = new Set<string>();
    const paths = await Promise.all(folders.map(listFiles));
    for (const path of paths.flat()) {
      seen.add(path);
      const { ino, size, mtimeMs } = await lstat(path);
      const identity = `${ino} ${size} ${mtimeMs}`;
      if (this.#known.get(path)?.identity === identity) continue;
      const image = await checkImage(path);
      this.#count += 1;
      this.#known.set(path, { identity, serial: image.serial });
    }
    for (const path of this.#known.keys()) if (!seen.has(path)) this.#known.delete(path);
    const serials = [...this.#known.values()].map(({ serial }) => serial);
    if (new Set(serials).size < serials.length) throw new Violation('two images share a serial');
  }

  /** Forgets what was checked, so that the next check reads everything. */
  forget(): void {
    this.#known.clear();
  }
}

/** Every file below a folder, which may be missing. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = (await unless('ENOENT', readdir(folder, { recursive: true, withFileTypes: true }))) ?? [];
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Reads an image and checks every file of it. Throws Violation where it is damaged. */
export async function checkImage(path: string): Promise<Image> {
  const contents = new ImageContents(2);
  try {
    const image = await openImage(path);
    const digests = await readDigests(image);
    for (const { path: name, node } of walkImage(image)) {
      if (image.isDirectory(node)) continue;
      const expected = digestOf(digests, image.fileOf(node).digestIndex).toString('hex');
      const found = sha256(await contents.readAll(image, node));
      if (found !== expected) throw new Violation(`${name} is not what its digest says`);
    }
    return image;
  } catch (error) {
    throw new Violation(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    contents.close();
  }
}

/** A wheel's image, or one of bytecode (`<stem>.<cache tag>.img`) with its base. */
async function openImage(path: string): Promise<Image> {
  if (/-[0-9a-f]{16}\.img$/.test(path)) return Image.open(path);
  const base = path.replace(/(-[0-9a-f]{16})\.[^/.]+\.img$/, '$1.img');
  if (base === path) throw new Violation('this is no image');
  return Image.open(path, await Image.open(await placeOf(base)));
}

/** A gc that was killed may have condemned bytecode and not yet its wheel's image, or the other way round. */
async function placeOf(path: string): Promise<string> {
  const [, root = '', place = ''] = /^(.*\/v\d+)\/(?:images|condemned\/[^/]+)\/(.*)$/.exec(path) ?? [];
  const collections = (await unless('ENOENT', readdir(join(root, 'condemned')))) ?? [];
  const folders = ['images', ...collections.map((collection) => join('condemned', collection))];
  for (const folder of folders) {
    const candidate = join(root, folder, place);
    if ((await unless('ENOENT', lstat(candidate))) !== undefined) return candidate;
  }
  throw new Violation('the image of its wheel is nowhere');
}

/** No number is given to two environments, not even to one that came after the other was deleted. */
export class SerialChecks {
  readonly #given = new Set<number>();
  #last = new Map<string, number>();

  check(now: Snapshot): void {
    for (const { name, serial } of now.values()) {
      if (this.#last.get(name) !== serial && this.#given.has(serial))
        throw new Violation(`${name} has the serial ${serial}, which was given before`);
      this.#given.add(serial);
    }
    this.#last = new Map([...now.values()].map(({ name, serial }) => [name, serial]));
  }
}
