import { link, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../base/atomic-write.js';
import { sha256 } from '../base/digest.js';
import { ShenvError, systemErrorCode, unless } from '../base/errors.js';
import { readRegular } from '../base/trust.js';
import { decodeManifest, encodeManifest } from '../manifest/codec.js';
import type { Layer, Manifest } from '../manifest/types.js';
import type { HomeId } from './homes.js';
import { type ImageName, imageNameOf, type StoreLayout } from './layout.js';
import { makeFolder, replaceInStore, stageInStore } from './modes.js';

/**
 * A manifest: of two processes that publish one generation at the same time each registers its own, and gc finds out
 * which of them the home has.
 */
export interface RootKey {
  serial: number;
  generation: number;
  /** First 16 digits of the SHA-256 of the manifest as it is written. */
  digest: string;
}

export interface Root extends RootKey {
  home: HomeId;
  /** When it was registered, on the file system's clock; of one that was given up, when that was. */
  atMs: number;
  /** Undefined where the file is damaged. */
  manifest: Manifest | undefined;
}

/** What a store has of one home. */
export interface HomeRoots {
  live: Root[];
  /** Of generations that were deleted. */
  gone: Root[];
  /** Live ones that have lost one of their two names. */
  halved: Root[];
}

/** A root has two names, so that one that is unlinked by mistake is not lost. */
const sides = ['a', 'b'] as const;
const namePattern = /^(\d+)-(\d+)-([0-9a-f]{16})\.(?:[ab]\.root|gone)$/;
const digestDigits = 16;

export function rootKeyOf(
  data: Buffer,
  { serial, generation }: Pick<Manifest, 'serial' | 'generation'>,
): RootKey {
  return { serial, generation, digest: sha256(data).slice(0, digestDigits) };
}

/** Registers what generations refer to; durable when it returns. What is registered already is left alone. */
export async function registerRoots(
  layout: StoreLayout,
  home: HomeId,
  manifests: readonly Manifest[],
): Promise<void> {
  const folder = join(layout.roots, home);
  if (await makeFolder(layout, folder)) await syncFolder(layout.roots);
  for (const manifest of manifests) {
    const data = encodeManifest(manifest);
    const key = rootKeyOf(data, manifest);
    if (await isRegistered(folder, key)) continue;
    const staged = await stageInStore(layout, folder, (file) => file.writeFile(data));
    try {
      await unlink(join(folder, goneName(key))).catch(missing);
      for (const side of sides) await linkOrKeep(staged, join(folder, rootName(key, side)));
    } finally {
      await unlink(staged);
    }
  }
  await syncFolder(folder);
}

/**
 * Gives up the roots that `isDoomed` picks: their generations are gone. They stay as a note of when their images were
 * last used.
 */
export async function retireRoots(
  { roots }: StoreLayout,
  home: HomeId,
  isDoomed: (key: RootKey) => boolean,
): Promise<void> {
  const folder = join(roots, home);
  for (const file of (await unless('ENOENT', readdir(folder))) ?? []) {
    const key = parseName(file);
    if (!key || file.endsWith('.gone') || !isDoomed(key)) continue;
    const gone = join(folder, goneName(key));
    await rename(join(folder, file), gone).catch(missing);
    // Of two names of one file rename(2) keeps both.
    await unlink(join(folder, file)).catch(missing);
  }
}

/** Writes roots anew under both names, over those that are damaged: at no time is there none. */
export async function mendRoots(
  layout: StoreLayout,
  home: HomeId,
  manifests: readonly Manifest[],
): Promise<void> {
  const folder = join(layout.roots, home);
  await makeFolder(layout, folder);
  for (const manifest of manifests) {
    const data = encodeManifest(manifest);
    const key = rootKeyOf(data, manifest);
    for (const side of sides) await replaceInStore(layout, join(folder, rootName(key, side)), data);
  }
}

/** Takes away a damaged root of which it is known that it is needed by nothing. */
export async function removeRoot({ roots }: StoreLayout, home: HomeId, key: RootKey): Promise<void> {
  for (const side of sides) await unlink(join(roots, home, rootName(key, side))).catch(missing);
}

/** Removes the notes of deleted generations that are older than `beforeMs`. */
export async function forgetGone(
  { roots }: StoreLayout,
  home: HomeId,
  gone: readonly Root[],
  beforeMs: number,
): Promise<void> {
  for (const root of gone) {
    if (root.atMs <= beforeMs) await unlink(join(roots, home, goneName(root))).catch(missing);
  }
}

/** Forgets a home with all that it refers to. */
export async function forgetHome({ homes, roots }: StoreLayout, home: HomeId): Promise<void> {
  await rm(join(roots, home), { recursive: true, force: true });
  await rm(join(homes, home), { force: true });
}

/** What the store has of `home`; undefined where it has no folder of it. */
export async function readRoots({ roots }: StoreLayout, home: HomeId): Promise<HomeRoots | undefined> {
  const folder = join(roots, home);
  const files = await unless('ENOENT', readdir(folder));
  if (files === undefined) return undefined;
  const found: HomeRoots = { live: [], gone: [], halved: [] };
  for (const [key, names] of groupByKey(files)) {
    const root = await readFirst(folder, names, home, key);
    if (!root) continue;
    if (names.some((name) => name.endsWith('.gone')) && names.length === 1) found.gone.push(root);
    else found.live.push(root);
    if (names.length < sides.length && !names[0]!.endsWith('.gone')) found.halved.push(root);
  }
  return found;
}

function groupByKey(files: readonly string[]): Map<RootKey, string[]> {
  const keys = new Map<string, RootKey>();
  const groups = new Map<RootKey, string[]>();
  for (const file of files) {
    const key = parseName(file);
    if (!key) continue;
    const known = keys.get(goneName(key)) ?? key;
    keys.set(goneName(key), known);
    groups.set(known, [...(groups.get(known) ?? []), file]);
  }
  return groups;
}

/** The first of a root's names whose file is whole, else any that is still there. */
async function readFirst(
  folder: string,
  names: readonly string[],
  home: HomeId,
  key: RootKey,
): Promise<Root | undefined> {
  let found: Root | undefined;
  for (const name of names) {
    if (found?.manifest) return found;
    found = (await readRoot(join(folder, name), home, key)) ?? found;
  }
  return found;
}

/** The names of the images that layers show: each wheel's, and that of its bytecode. */
export function* imagesOf(layers: readonly Pick<Layer, 'image' | 'bytecode'>[]): Generator<ImageName> {
  for (const { image, bytecode } of layers) {
    yield imageNameOf(image.wheelDigest);
    if (bytecode !== undefined) yield imageNameOf(image.wheelDigest, bytecode);
  }
}

/** Undefined where it has been unlinked meanwhile. */
async function readRoot(path: string, home: HomeId, key: RootKey): Promise<Root | undefined> {
  const status = await unless('ENOENT', stat(path));
  const data = await unless('ENOENT', readRegular(path));
  if (!status || !data) return undefined;
  // Of the name that it has now: the clock is the file system's, whoever gave the root up.
  const atMs = path.endsWith('.gone') ? status.ctimeMs : status.mtimeMs;
  return { ...key, home, atMs, manifest: decodeOrNothing(data, path, key) };
}

async function isRegistered(folder: string, key: RootKey): Promise<boolean> {
  for (const side of sides) {
    if ((await unless('ENOENT', stat(join(folder, rootName(key, side))))) === undefined) return false;
  }
  return true;
}

function decodeOrNothing(data: Buffer, path: string, key: RootKey): Manifest | undefined {
  if (rootKeyOf(data, key).digest !== key.digest) return undefined;
  try {
    return decodeManifest(data, path);
  } catch (error) {
    if (error instanceof ShenvError && error.code === 'MANIFEST_DAMAGED') return undefined;
    throw error;
  }
}

function parseName(file: string): RootKey | undefined {
  const [, serial, generation, digest] = namePattern.exec(file) ?? [];
  if (digest === undefined) return undefined;
  return { serial: Number(serial), generation: Number(generation), digest };
}

function rootName({ serial, generation, digest }: RootKey, side: (typeof sides)[number]): string {
  return `${serial}-${generation}-${digest}.${side}.root`;
}

function goneName({ serial, generation, digest }: RootKey): string {
  return `${serial}-${generation}-${digest}.gone`;
}

async function linkOrKeep(staged: string, target: string): Promise<void> {
  try {
    await link(staged, target);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
}

function missing(error: unknown): void {
  if (systemErrorCode(error) !== 'ENOENT') throw error;
}
