import { systemErrorCode } from '../base/errors.js';
import type { Manifest } from '../manifest/types.js';
import { type HomeId, readHomeId } from '../store/homes.js';
import type { ImageName } from '../store/layout.js';
import {
  environmentsOf,
  type KnownHome,
  type Reference,
  readHomes,
  referencesOf,
  type UsingEnvironment,
  usesByImage,
} from '../store/usage.js';
import { Environments } from './environments.js';
import type { Workspace } from './workspace.js';

/** Who uses a store. */
export interface StoreUse {
  /** This home first. */
  homes: KnownHome[];
  /** Stands for this home, also where it has registered nothing yet. */
  ownHome: HomeId;
  environments: UsingEnvironment[];
  /** What cannot be read, in words; where there is any, images may be in use that seem unused. */
  gaps: Gap[];
}

export interface Gap {
  home: HomeId;
  what: string;
}

const unregistered = 'unregistered' as HomeId;

/**
 * What the store knows of its users. Roots tell; where a home can be reached, its own manifests stand in for roots that
 * are lost or damaged.
 */
export async function readStoreUse({ places, store }: Workspace): Promise<StoreUse> {
  const homes = await readHomes(store.layout);
  const ownHome = (await readHomeId(places.home)) ?? unregistered;
  if (!homes.some(({ id }) => id === ownHome)) homes.push(unknownHome(ownHome, places.home));
  homes.sort((a, b) => Number(b.id === ownHome) - Number(a.id === ownHome));
  const references = referencesOf(homes);
  for (const home of homes.filter(({ isReachable }) => isReachable))
    references.push(...(await unregisteredOf(home, references)));
  const environments = environmentsOf(references);
  const rank = new Map(homes.map(({ id }, at) => [id, at]));
  environments.sort((a, b) => rank.get(a.home)! - rank.get(b.home)!);
  return { homes, ownHome, environments, gaps: gapsOf(homes, references) };
}

function unknownHome(id: HomeId, path: string): KnownHome {
  const roots = { live: [], gone: [], halved: [] };
  return { id, path, host: undefined, isReachable: true, roots, isReadable: true };
}

/** Generations of a home that no whole root tells of. */
async function unregisteredOf(home: KnownHome, known: readonly Reference[]): Promise<Reference[]> {
  const keyOf = ({ serial, generation }: Manifest) => `${serial}-${generation}`;
  const registered = new Set(
    known.filter((item) => item.home === home.id).map(({ manifest }) => keyOf(manifest)),
  );
  const manifests = await readManifests(home.path!);
  return manifests
    .filter((manifest) => !registered.has(keyOf(manifest)))
    .map((manifest) => ({ home: home.id, manifest }));
}

/** None where this user may not read them: the roots then count alone. */
async function readManifests(home: string): Promise<Manifest[]> {
  try {
    return (await new Environments(home).readAll()).manifests;
  } catch (error) {
    if (systemErrorCode(error) !== undefined) return [];
    throw error;
  }
}

function gapsOf(homes: readonly KnownHome[], references: readonly Reference[]): Gap[] {
  return homes.flatMap((home) => {
    const isKnown = ({ serial, generation }: { serial: number; generation: number }) =>
      references.some(
        ({ home: id, manifest }) =>
          id === home.id && manifest.serial === serial && manifest.generation === generation,
      );
    const lost = home.roots.live.filter((root) => !root.manifest && !isKnown(root)).length;
    if (!home.isReadable) return [{ home: home.id, what: `the roots of ${titleOf(home)} cannot be read` }];
    if (lost === 0) return [];
    return [{ home: home.id, what: `damaged roots of ${titleOf(home)}: ${lost}` }];
  });
}

/** An environment whose generations show an image. */
export interface ImageUser {
  home: HomeId;
  /** Where the home is; undefined where the store does not know. */
  homePath: string | undefined;
  environment: string;
  /** Oldest first. */
  generations: number[];
}

/** Which environments show each image; what none shows is left out. Pure. */
export function usersByImage({ homes, environments }: StoreUse): Map<ImageName, ImageUser[]> {
  const paths = new Map(homes.map(({ id, path }) => [id, path]));
  const users = new Map<ImageName, ImageUser[]>();
  for (const [image, uses] of usesByImage(environments)) {
    const found = new Map<UsingEnvironment, ImageUser>();
    // Newest first.
    for (const { environment, generation } of uses) {
      const { home, name } = environment;
      const user = { home, homePath: paths.get(home), environment: name, generations: [] };
      const known: ImageUser = found.get(environment) ?? user;
      found.set(environment, known);
      if (known.generations[0] !== generation) known.generations.unshift(generation);
    }
    users.set(image, [...found.values()]);
  }
  return users;
}

/** How a home is named to people: its path, else its id. */
export function titleOf({ path, id }: Pick<KnownHome, 'path' | 'id'>): string {
  return printable(path ?? `home ${id}`);
}

/** How an environment is named among those of several homes: `web`, or `web (/home/ann/envs)`. */
export function environmentTitle({ homes, ownHome }: StoreUse, { home, name }: UsingEnvironment): string {
  if (home === ownHome) return printable(name);
  return `${printable(name)} (${titleOf(homes.find(({ id }) => id === home)!)})`;
}

/** Text that another user wrote, without what would steer a terminal. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\uFFFD');
}
