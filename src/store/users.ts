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

/** Which environments show each image, after the roots of the store; what none shows is left out. */
export async function usersOf(layout: StoreLayout): Promise<Map<ImageName, ImageUser[]>> {
  const users = new Map<ImageName, Map<string, ImageUser>>();
  for (const { id, path } of await listHomes(layout)) {
    for (const { manifest } of (await readRoots(layout, id))?.live ?? []) {
      if (!manifest) continue;
      const { name, generation, layers } = manifest;
      const user = () => ({ home: id, homePath: path, environment: name, generations: [] });
      for (const image of new Set(imagesOf(layers)))
        noteUse(users, image, `${id} ${name}`, user).push(generation);
    }
  }
  return new Map([...users].map(([image, found]) => [image, [...found.values()].map(sorted)]));
}

/** The generations of one environment, to be added to. */
function noteUse(
  users: Map<ImageName, Map<string, ImageUser>>,
  image: ImageName,
  key: string,
  make: () => ImageUser,
): number[] {
  const ofImage = users.get(image) ?? new Map<string, ImageUser>();
  users.set(image, ofImage);
  const user = ofImage.get(key) ?? make();
  ofImage.set(key, user);
  return user.generations;
}

function sorted(user: ImageUser): ImageUser {
  return { ...user, generations: [...new Set(user.generations)].sort((a, b) => a - b) };
}
