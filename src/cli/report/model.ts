import type { StoreAccounts } from '../../env/store-accounts.js';
import { environmentTitle } from '../../env/store-use.js';
import { type AccountedImage, sumBytes, type Totals } from '../../store/accounting.js';
import { baseNameOf } from '../../store/layout.js';

/** The image of a wheel together with those of its bytecode. */
export interface ReportedImage {
  distribution: string;
  version: string;
  /** On disk, bytecode included. */
  bytes: number;
  bytecode: number;
  /** Titles of the environments that show it. */
  users: string[];
  fileName: string;
}

export interface ReportedDistribution {
  name: string;
  bytes: number;
  /** Largest first. */
  images: ReportedImage[];
}

export interface ReportedEnvironment {
  title: string;
  generations: number;
  shows: number;
  own: number;
  earlier: number;
  shared: number;
  frees: number;
}

/** All that the page tells. Bytes are on disk, but for `shows`. */
export interface StoreReport {
  store: string;
  atMs: number;
  totals: Totals;
  /** All of the store, with what is not an image. */
  storeBytes: number;
  imageCount: number;
  distributions: ReportedDistribution[];
  environments: ReportedEnvironment[];
  gaps: string[];
}

/** Pure. */
export function reportOf(accounts: StoreAccounts, store: string, atMs: number): StoreReport {
  const { use, totals, disk } = accounts;
  const environments = accounts.environments.map(({ environment, missing, ...figures }) => ({
    title: environmentTitle(use, environment),
    generations: new Set(environment.generations.map(({ generation }) => generation)).size,
    ...figures,
  }));
  const images = joinBytecode(accounts);
  return {
    store,
    atMs,
    totals,
    storeBytes: disk.total,
    imageCount: accounts.images.length,
    distributions: groupByDistribution(images),
    environments: environments.sort((a, b) => b.frees - a.frees),
    gaps: use.gaps.map(({ what }) => what),
  };
}

function joinBytecode({ images, use }: StoreAccounts): ReportedImage[] {
  const wheels = new Map<string, AccountedImage[]>();
  for (const image of images) {
    const key = `${image.name}/${image.version}/${baseNameOf(image.image)}`;
    const files = wheels.get(key);
    if (files) files.push(image);
    else wheels.set(key, [image]);
  }
  return [...wheels.values()].map((files) => {
    const wheel = files.find(({ cacheTag }) => cacheTag === undefined) ?? files[0]!;
    const users = new Set(files.flatMap((file) => [...file.users.keys()]));
    return {
      distribution: wheel.name,
      version: wheel.version,
      bytes: sumBytes(files),
      bytecode: sumBytes(files.filter(({ cacheTag }) => cacheTag !== undefined)),
      users: [...users].map((environment) => environmentTitle(use, environment)),
      fileName: wheel.path.slice(wheel.path.lastIndexOf('/') + 1),
    };
  });
}

function groupByDistribution(images: readonly ReportedImage[]): ReportedDistribution[] {
  const groups = new Map<string, ReportedImage[]>();
  for (const image of images) {
    const group = groups.get(image.distribution);
    if (group) group.push(image);
    else groups.set(image.distribution, [image]);
  }
  return [...groups]
    .map(([name, group]) => ({
      name,
      bytes: group.reduce((sum, { bytes }) => sum + bytes, 0),
      images: group.sort((a, b) => b.bytes - a.bytes),
    }))
    .sort((a, b) => b.bytes - a.bytes);
}
