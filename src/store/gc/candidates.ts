import { baseNameOf, type ImageName } from '../layout.js';

/** An image of the store as gc weighs it. Times are of the file system's clock, in milliseconds since 1970. */
export interface WeighedImage {
  name: ImageName;
  /** Below images/. */
  place: string;
  /** On disk. */
  bytes: number;
  /** When it was put in, or its last reference was given up. */
  usedMs: number;
  /** False where it lies in another user's folder, whose gc may take it. */
  isMovable: boolean;
}

export interface Policy {
  nowMs: number;
  /** What has been used within this time stays. */
  olderThanMs: number;
  /** Remove only as much as brings the store down to this, least recently used first. */
  maxBytes: number | undefined;
  /** When the oldest running operation began; what was put in since may be its own. */
  operationsSinceMs: number | undefined;
}

/** What can go, in the order in which it goes, and why the rest that nothing refers to stays. */
export interface Choice {
  doomed: WeighedImage[];
  young: WeighedImage[];
  /** Unused, but the store is small enough. */
  withinSize: WeighedImage[];
}

/**
 * Chooses among the images of a store, of which `referred` are in use. A wheel's image goes with its bytecode or not
 * at all, because bytecode is of no use without it. Pure.
 */
export function choose(
  images: readonly WeighedImage[],
  referred: ReadonlySet<ImageName>,
  policy: Policy,
): Choice {
  const groups = groupUnused(images, referred);
  const newestMs = Math.min(graceEndMs(policy), policy.operationsSinceMs ?? Number.POSITIVE_INFINITY);
  const choice: Choice = { doomed: [], young: [], withinSize: [] };
  let excess = Number.POSITIVE_INFINITY;
  if (policy.maxBytes !== undefined)
    excess = images.reduce((sum, { bytes }) => sum + bytes, 0) - policy.maxBytes;
  for (const group of groups.sort((a, b) => usedMs(a) - usedMs(b))) {
    if (usedMs(group) > newestMs) choice.young.push(...group);
    else if (excess <= 0) choice.withinSize.push(...group);
    else {
      choice.doomed.push(...group);
      excess -= group.reduce((sum, { bytes }) => sum + bytes, 0);
    }
  }
  return choice;
}

/** Clocks of file systems lag behind by some milliseconds, which no grace at all must not turn into one. */
function graceEndMs({ nowMs, olderThanMs }: Policy): number {
  return olderThanMs === 0 ? Number.POSITIVE_INFINITY : nowMs - olderThanMs;
}

/** Images that go together: bytecode first, so that none is ever without its base. */
function groupUnused(images: readonly WeighedImage[], referred: ReadonlySet<ImageName>): WeighedImage[][] {
  const groups = new Map<ImageName, WeighedImage[]>();
  for (const image of images) {
    if (referred.has(image.name) || !image.isMovable) continue;
    const base = baseNameOf(image.name);
    const key = referred.has(base) ? image.name : base;
    groups.set(key, [...(groups.get(key) ?? []), image]);
  }
  return [...groups.values()].map((group) => group.sort((a, b) => b.name.length - a.name.length));
}

function usedMs(group: readonly WeighedImage[]): number {
  return Math.max(...group.map((image) => image.usedMs));
}
