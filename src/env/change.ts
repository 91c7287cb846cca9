import { ShenvError } from '../base/errors.js';
import type { ImageReference, Layer, Manifest } from '../manifest/types.js';
import { maxSlot } from '../view/inode.js';
import { normalizeName } from '../wheel/filename.js';
import { type Chosen, publicUrl } from './pin.js';

/** What is different between two generations. */
export interface Differences {
  added: ImageReference[];
  removed: ImageReference[];
  replaced: { from: ImageReference; to: ImageReference }[];
}

/** Layers for `chosen`, each without a slot yet. */
export type NewLayer = Omit<Layer, 'slot'>;

export function toLayer(chosen: Chosen, installer: string, cacheTag: string | undefined): NewLayer {
  const { image, requested, directUrl, url } = chosen;
  return {
    image,
    reason: requested ? 'requested' : 'dependency',
    installer,
    ...(cacheTag === undefined ? {} : { bytecode: cacheTag }),
    ...(directUrl ? { directUrl: { ...directUrl, url: publicUrl(directUrl.url) } } : {}),
    ...(url === undefined ? {} : { url: publicUrl(url) }),
  };
}

/**
 * Gives slots: a layer that shows the same image and bytecode as before keeps its own, so that no inode
 * number of it changes; every other gets one that was never used, or not for longest. Pure. Throws
 * ENVIRONMENT_FULL.
 */
export function assignSlots(
  before: readonly Layer[],
  wanted: readonly NewLayer[],
  nextSlot: number,
): { layers: Layer[]; nextSlot: number } {
  const known = new Map(before.map((layer) => [slotKey(layer), layer.slot]));
  const taken = new Set(known.values());
  let next = nextSlot;
  const give = (): number => {
    for (let tries = 0; tries < maxSlot; tries += 1) {
      const slot = ((next - 1) % maxSlot) + 1;
      next += 1;
      if (!taken.has(slot)) return slot;
    }
    throw new ShenvError('ENVIRONMENT_FULL', `An environment cannot have more than ${maxSlot} layers`, {
      hint: 'Make several environments of it.',
    });
  };
  const layers = wanted.map((layer) => ({ ...layer, slot: known.get(slotKey(layer)) ?? give() }));
  return { layers, nextSlot: next };
}

function slotKey({ image, bytecode }: NewLayer): string {
  return `${image.wheelDigest} ${bytecode ?? ''}`;
}

/** By normalized name; a rebuilt wheel of the same version counts as replaced. Pure. */
export function differences(before: readonly Layer[], after: readonly Layer[]): Differences {
  const old = new Map(before.map(({ image }) => [normalizeName(image.name), image]));
  const found: Differences = { added: [], removed: [], replaced: [] };
  for (const { image } of after) {
    const from = old.get(normalizeName(image.name));
    old.delete(normalizeName(image.name));
    if (from === undefined) found.added.push(image);
    else if (from.wheelDigest !== image.wheelDigest) found.replaced.push({ from, to: image });
  }
  found.removed.push(...old.values());
  return found;
}

/** Of a new environment; slot 0 is the skeleton's. */
export const firstSlot = 1;

/** Whole seconds, as every engine shows them. */
export function nowMs(): number {
  return Math.floor(Date.now() / 1000) * 1000;
}

/** Throws DISTRIBUTION_MISSING naming those of `names` that no layer shows. */
export function assertShown(manifest: Manifest, names: readonly string[]): void {
  const shown = new Set(manifest.layers.map(({ image }) => normalizeName(image.name)));
  const missing = names.filter((name) => !shown.has(normalizeName(name)));
  if (missing.length === 0) return;
  throw new ShenvError('DISTRIBUTION_MISSING', `'${manifest.name}' does not have ${missing.join(', ')}`, {
    hint: `\`shenv-fs show ${manifest.name}\` lists what it has.`,
  });
}
