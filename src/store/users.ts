import { type HomeId, listHomes } from './homes.js';
import type { ImageName, StoreLayout } from './layout.js';
import { imagesOf, readRoots } from './roots.js';

/** An environment whose generations show an image. */
export interface ImageUser {
  home: HomeId;
  /** Where the home is; undefined where the store does not know. */
  homePath: string | undefined;
  environment: string;
  /** Oldest first. */
  generations: number[];
}

/** Which environments show each of `names`, after the roots of the store; those that show none are left out. */
export async function usersOf(
  layout: StoreLayout,
  names: ReadonlySet<ImageName>,
): Promise<Map<ImageName, ImageUser[]>> {
  const users = new Map<ImageName, ImageUser[]>();
  if (names.size === 0) return users;
  for (const { id, path } of await listHomes(layout)) {
    for (const { manifest } of (await readRoots(layout, id))?.live ?? []) {
      if (!manifest) continue;
      for (const name of new Set(imagesOf(manifest.layers))) {
        if (names.has(name))
          addUser(users, name, {
            home: id,
            homePath: path,
            environment: manifest.name,
            generations: [manifest.generation],
          });
      }
    }
  }
  return users;
}

function addUser(users: Map<ImageName, ImageUser[]>, name: ImageName, user: ImageUser): void {
  const known = users.get(name) ?? [];
  users.set(name, known);
  const same = known.find(({ home, environment }) => home === user.home && environment === user.environment);
  if (!same) known.push(user);
  else same.generations = [...new Set([...same.generations, ...user.generations])].sort((a, b) => a - b);
}
