import type { Holding } from './holdings.js';
import { baseNameOf, type ImageName } from './layout.js';
import { imagesOf } from './roots.js';
import { type ImageUse, type UsingEnvironment, usesByImage } from './usage.js';

/** An image file with who uses it. */
export interface AccountedImage extends Holding {
  uses: ImageUse[];
  /** Environments with a generation that shows it, and whether the current one does. */
  users: Map<UsingEnvironment, boolean>;
}

/** What one environment has of the store, in bytes on disk unless the name says otherwise. */
export interface EnvironmentAccount {
  environment: UsingEnvironment;
  /** Sum of the sizes of the files of images that its current generation shows. */
  shows: number;
  /** Images that its current generation shows and no other environment. */
  own: number;
  /** Images that only earlier generations of it show. */
  earlier: number;
  /** Images that other environments show as well, whichever of its generations does. */
  shared: number;
  /** `own` and `earlier`: what gc can remove after this environment alone is deleted. */
  frees: number;
  /** Images that the current generation refers to and the store does not have. */
  missing: ImageName[];
}

/** Sums over the store, in bytes on disk. `exclusive + shared + unused` is `images`. */
export interface Totals {
  images: number;
  bytecode: number;
  /** Shown by generations of one environment only; the sum of what each environment frees. */
  exclusive: number;
  /** Shown by several environments; each image once. */
  shared: number;
  /** Shown by none. */
  unused: number;
  /** Shown by current generations; each image once. */
  current: number;
  /** Sum over environments of what their current generations show: bytes of files, each environment in full. */
  shows: number;
  /**
   * By how many environments a byte of `current` is shown on the average; 1 where nothing is shared, and where there is
   * nothing.
   */
  sharingFactor: number;
}

export interface Accounts {
  images: AccountedImage[];
  environments: EnvironmentAccount[];
  totals: Totals;
}

/** Who uses how much of a store. Pure. */
export function account(holdings: readonly Holding[], environments: readonly UsingEnvironment[]): Accounts {
  const uses = usesByImage(environments);
  const images = holdings.map((holding) => withUses(holding, uses.get(holding.image) ?? []));
  const accounts = accountEnvironments(images, environments);
  return { images, environments: accounts, totals: sumUp(images, accounts) };
}

function withUses(holding: Holding, uses: ImageUse[]): AccountedImage {
  const users = new Map<UsingEnvironment, boolean>();
  for (const { environment, isCurrent } of uses)
    users.set(environment, isCurrent || users.get(environment) === true);
  return { ...holding, uses, users };
}

function accountEnvironments(
  images: readonly AccountedImage[],
  environments: readonly UsingEnvironment[],
): EnvironmentAccount[] {
  const accounts = new Map(environments.map((environment) => [environment, emptyAccount(environment)]));
  for (const image of images) {
    for (const [environment, isCurrent] of image.users) addTo(accounts.get(environment)!, image, isCurrent);
  }
  const known = new Set(images.map(({ image }) => image));
  return [...accounts.values()].map((item) => {
    const shown = new Set(imagesOf(item.environment.generations[0].layers));
    const missing = [...shown].filter((image) => !known.has(image));
    return { ...item, frees: item.own + item.earlier, missing };
  });
}

function emptyAccount(environment: UsingEnvironment): EnvironmentAccount {
  return { environment, shows: 0, own: 0, earlier: 0, shared: 0, frees: 0, missing: [] };
}

function addTo(item: EnvironmentAccount, image: AccountedImage, isCurrent: boolean): void {
  if (isCurrent) item.shows += image.contentBytes ?? 0;
  if (image.users.size > 1) item.shared += image.bytesOnDisk;
  else if (isCurrent) item.own += image.bytesOnDisk;
  else item.earlier += image.bytesOnDisk;
}

function sumUp(images: readonly AccountedImage[], environments: readonly EnvironmentAccount[]): Totals {
  const currentUsers = ({ users }: AccountedImage) => [...users.values()].filter(Boolean).length;
  const current = images.filter((image) => currentUsers(image) > 0);
  const repeated = current.reduce((sum, image) => sum + image.bytesOnDisk * currentUsers(image), 0);
  return {
    images: sumBytes(images),
    bytecode: sumBytes(images.filter(({ cacheTag }) => cacheTag !== undefined)),
    exclusive: sumBytes(images.filter(({ users }) => users.size === 1)),
    shared: sumBytes(images.filter(({ users }) => users.size > 1)),
    unused: sumBytes(images.filter(({ users }) => users.size === 0)),
    current: sumBytes(current),
    shows: environments.reduce((sum, { shows }) => sum + shows, 0),
    sharingFactor: current.length === 0 ? 1 : repeated / sumBytes(current),
  };
}

/** Bytes on disk of images that no environment but `doomed` shows: what deleting all of these frees. Pure. */
export function freedTogether(
  images: readonly AccountedImage[],
  doomed: ReadonlySet<UsingEnvironment>,
): number {
  const isFreed = ({ users }: AccountedImage) =>
    users.size > 0 && [...users.keys()].every((environment) => doomed.has(environment));
  return sumBytes(images.filter(isFreed));
}

/** What a distribution has of the store, in bytes on disk. */
export interface DistributionAccount {
  name: string;
  versions: string[];
  /** Wheels' images, those of bytecode aside. */
  wheels: number;
  bytes: number;
  bytecode: number;
  unused: number;
  environmentCount: number;
}

/** The same by distribution, largest first. Pure. */
export function byDistribution(images: readonly AccountedImage[]): DistributionAccount[] {
  const groups = new Map<string, AccountedImage[]>();
  for (const image of images) {
    const group = groups.get(image.name);
    if (group) group.push(image);
    else groups.set(image.name, [image]);
  }
  return [...groups]
    .map(([name, group]) => ({
      name,
      versions: [...new Set(group.map(({ version }) => version))],
      wheels: new Set(group.map(({ image }) => baseNameOf(image))).size,
      bytes: sumBytes(group),
      bytecode: sumBytes(group.filter(({ cacheTag }) => cacheTag !== undefined)),
      unused: sumBytes(group.filter(({ users }) => users.size === 0)),
      environmentCount: new Set(group.flatMap(({ users }) => [...users.keys()])).size,
    }))
    .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
}

export function sumBytes(images: readonly Pick<Holding, 'bytesOnDisk'>[]): number {
  return images.reduce((sum, { bytesOnDisk }) => sum + bytesOnDisk, 0);
}
