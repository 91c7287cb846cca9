import { isRefusal, systemErrorCode } from '../base/errors.js';
import type { Manifest } from '../manifest/types.js';
import { type HomeId, listHomes, type RegisteredHome, readHomeId } from './homes.js';
import type { ImageName, StoreLayout } from './layout.js';
import { type HomeRoots, imagesOf, readRoots } from './roots.js';

/** A home with what the store has of it. */
export interface KnownHome extends RegisteredHome {
  /** Whether the home is where it was, and is the same and no copy. */
  isReachable: boolean;
  roots: HomeRoots;
  /** False where the system does not let this user read its roots. */
  isReadable: boolean;
}

/** A generation, whoever tells of it: a root, or the home itself. */
export interface Reference {
  home: HomeId;
  manifest: Manifest;
}

/** An environment with the generations that are known of it. */
export interface UsingEnvironment {
  home: HomeId;
  serial: number;
  /** Of the newest generation. */
  name: string;
  /** Newest first, at least one; of one generation that was published twice at once, both. */
  generations: [Manifest, ...Manifest[]];
}

/** That a generation shows an image. */
export interface ImageUse {
  environment: UsingEnvironment;
  generation: number;
  isCurrent: boolean;
}

/** Every home that the store knows. */
export async function readHomes(layout: StoreLayout): Promise<KnownHome[]> {
  return Promise.all((await listHomes(layout)).map((home) => readHome(layout, home)));
}

async function readHome(layout: StoreLayout, home: RegisteredHome): Promise<KnownHome> {
  const isReachable = await isHomeAt(home);
  const nothing = { live: [], gone: [], halved: [] };
  try {
    return {
      ...home,
      isReachable,
      roots: (await readRoots(layout, home.id)) ?? nothing,
      isReadable: true,
    };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { ...home, isReachable, roots: nothing, isReadable: false };
  }
}

async function isHomeAt({ id, path }: RegisteredHome): Promise<boolean> {
  if (path === undefined) return false;
  try {
    return (await readHomeId(path)) === id;
  } catch (error) {
    if (systemErrorCode(error) !== undefined) return false;
    throw error;
  }
}

/** What the whole roots of these homes refer to. Pure. */
export function referencesOf(homes: readonly KnownHome[]): Reference[] {
  return homes.flatMap(({ id: home, roots }) =>
    roots.live.flatMap(({ manifest }) => (manifest ? [{ home, manifest }] : [])),
  );
}

/** The environments of references, by home and name. Pure. */
export function environmentsOf(references: readonly Reference[]): UsingEnvironment[] {
  const groups = new Map<string, [Reference, ...Reference[]]>();
  for (const reference of references) {
    const key = `${reference.home} ${reference.manifest.serial}`;
    const group = groups.get(key);
    if (group) group.push(reference);
    else groups.set(key, [reference]);
  }
  return [...groups.values()].map(environmentOf).sort(byHomeAndName);
}

function environmentOf(references: [Reference, ...Reference[]]): UsingEnvironment {
  const { home } = references[0];
  const generations = references
    .map(({ manifest }) => manifest)
    .sort((a, b) => b.generation - a.generation) as [Manifest, ...Manifest[]];
  return { home, serial: generations[0].serial, name: generations[0].name, generations };
}

function byHomeAndName(a: UsingEnvironment, b: UsingEnvironment): number {
  return compare(a.home, b.home) || compare(a.name, b.name) || a.serial - b.serial;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Which generations show each image: by environment, newest generation first. Pure. */
export function usesByImage(environments: readonly UsingEnvironment[]): Map<ImageName, ImageUse[]> {
  const uses = new Map<ImageName, ImageUse[]>();
  for (const environment of environments) {
    const newest = environment.generations[0].generation;
    for (const { generation, layers } of environment.generations) {
      const use = { environment, generation, isCurrent: generation === newest };
      for (const image of new Set(imagesOf(layers))) {
        const known = uses.get(image);
        if (known) known.push(use);
        else uses.set(image, [use]);
      }
    }
  }
  return uses;
}
