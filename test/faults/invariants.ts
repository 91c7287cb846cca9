import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { sha256 } from '../../src/base/digest.js';
import { listEnvironments, showEnvironment } from '../../src/cli/commands/environments.js';
import { loadView } from '../../src/env/load-view.js';
import type { Workspace } from '../../src/env/workspace.js';
import { walkImage } from '../../src/image/dump.js';
import { digestOf, Image, readDigests } from '../../src/image/read.js';
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
  environment: string;
  after: Held;
}

/**
 * Whether the environment is exactly in its state before the command or in that after it; every
 * other environment must be as it was, and `list` and `show` must work.
 */
export async function checkEnvironments(
  workspace: Workspace,
  expected: Expected,
  now: Snapshot,
): Promise<'old' | 'new'> {
  const { before, environment } = expected;
  const { data } = await listEnvironments(workspace);
  const listed = data as { name: string; error?: string }[];
  for (const { name, error } of listed) if (error) throw new Violation(`list says of ${name}: ${error}`);
  if (
    !isDeepStrictEqual(
      listed.map(({ name }) => name),
      [...now.keys()],
    )
  )
    throw new Violation('list is wrong');
  for (const [name, manifest] of now) {
    await showEnvironment(workspace, name, {});
    await loadView(manifest, new ImageCache(workspace.store), workspace.environments.interpreters);
  }
  for (const name of new Set([...before.keys(), ...now.keys()])) {
    if (name !== environment && !isDeepStrictEqual(before.get(name), now.get(name)))
      throw new Violation(`${name} was changed and is none of the command's business`);
  }
  return stateOf(expected, now);
}

function stateOf({ before, environment, after }: Expected, now: Snapshot): 'old' | 'new' {
  const [then, current] = [before.get(environment), now.get(environment)];
  if (isDeepStrictEqual(then, current)) return 'old';
  const isNew =
    isDeepStrictEqual(heldBy(current), after) &&
    (current === undefined || current.generation === (then?.generation ?? 0) + 1) &&
    (current === undefined || then === undefined || current.serial === then.serial);
  if (isNew) return 'new';
  const text = JSON.stringify({ generation: current?.generation, ...heldBy(current) });
  throw new Violation(`${environment} is neither in its old nor in its new state: ${text}`);
}

/** Names and versions of what an environment holds. */
export function heldBy(manifest: Manifest | undefined): Held {
  return manifest && Object.fromEntries(manifest.layers.map(({ image }) => [image.name, image.version]));
}

/** Checks the images of one store as they come; each is read as a whole once, and again when it changed. */
export class ImageChecks {
  readonly #known = new Map<string, { identity: string; serial: number }>();

  get count(): number {
    return this.#known.size;
  }

  /** Throws Violation for what is no image, an image that is damaged, is gone or shares its serial. */
  async check(images: string): Promise<void> {
    const seen = new Set<string>();
    for (const entry of await readdir(images, { recursive: true, withFileTypes: true })) {
      if (entry.isDirectory()) continue;
      const path = join(entry.parentPath, entry.name);
      seen.add(path);
      const { ino, size, mtimeMs } = await lstat(path);
      const identity = `${ino} ${size} ${mtimeMs}`;
      if (this.#known.get(path)?.identity === identity) continue;
      const image = await checkImage(path);
      this.#known.set(path, { identity, serial: image.serial });
    }
    for (const path of this.#known.keys()) if (!seen.has(path)) throw new Violation(`${path} is gone`);
    const serials = [...this.#known.values()].map(({ serial }) => serial);
    if (new Set(serials).size < serials.length) throw new Violation('two images share a serial');
  }

  /** Forgets what was checked, so that the next check reads everything. */
  forget(): void {
    this.#known.clear();
  }
}

async function checkImage(path: string): Promise<Image> {
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
  return Image.open(path, await Image.open(base));
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
