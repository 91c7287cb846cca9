import type { Image } from '../../image/read.js';
import type { Layer, Manifest } from '../../manifest/types.js';
import { markerEnvironment } from '../../python/marker-environment.js';
import { normalizeName } from '../../wheel/filename.js';
import { assignSlots, type NewLayer, toLayer } from '../change.js';
import { installationOrder } from '../installation-order.js';
import { referenceTo } from '../obtain.js';
import type { Download } from '../pin.js';
import { requestedName, requirementOf } from '../requested.js';
import type { Base } from './base.js';
import type { Placed } from './placing.js';

export interface NextRequest {
  current: Manifest;
  base: Base;
  placed: readonly Placed[];
  /** Of the layers of `current`: something of it is shown. By index. */
  isShown(layer: number): boolean;
  /** The environment has compiled most of this distribution. */
  hasBytecode(image: Image): boolean;
}

/** The generation that has what was adopted, and nothing that is hidden. The same as `current` where nothing changes. Pure. */
export function nextManifest({ current, base, placed, isShown, hasBytecode }: NextRequest): Manifest {
  const { record, key } = base.interpreter;
  const added = orderedLayers(placed, base, (image) =>
    current.options.bytecode && hasBytecode(image) ? record.cacheTag : undefined,
  );
  const isAdopted = ({ image }: NewLayer) =>
    added.some((layer) => layer.image.wheelDigest === image.wheelDigest);
  const kept = current.layers.filter((layer, index) => isShown(index) && !isAdopted(layer));
  const withInherited = [...kept, ...hiddenInherited(current, kept, isAdopted)];
  const layers = inOrder(current.layers, [...withInherited, ...added]);
  const { nextSlot, layers: placedLayers } = assignSlots(current.layers, layers, current.nextSlot);
  return {
    ...current,
    interpreter: key,
    options: { ...current.options, systemSitePackages: base.systemSitePackages },
    layers: placedLayers,
    nextSlot,
    requested: requestedNow(current, placedLayers),
  };
}

/** Whether a generation shows what another one does. */
export function isSameGeneration(a: Manifest, b: Manifest): boolean {
  const content = ({ layers, requested, options, interpreter }: Manifest) =>
    JSON.stringify([layers, requested, options, interpreter]);
  return content(a) === content(b);
}

/** In the order in which pip would install them. */
function orderedLayers(
  placed: readonly Placed[],
  { interpreter }: Base,
  cacheTagOf: (image: Image) => string | undefined,
): NewLayer[] {
  const ordered = installationOrder(placed, markerEnvironment(interpreter.record), ({ installed }) => ({
    name: installed.metadata.name,
    requires: installed.metadata.requiresDist,
    extras: installed.metadata.providesExtra,
    requested: installed.requested,
  }));
  return ordered.map(({ installed: { requested, directUrl, installer }, image, forms }) => ({
    ...toLayer(
      {
        image: referenceTo(image),
        requested,
        extras: [],
        added: false,
        ...(directUrl ? { directUrl: directUrl as unknown as Download } : {}),
      },
      installer,
      cacheTagOf(image),
    ),
    ...forms,
  }));
}

/** What comes from a parent stays, even when it is hidden: the parent would bring it again. */
function hiddenInherited(
  { layers }: Manifest,
  kept: readonly Layer[],
  isAdopted: (layer: Layer) => boolean,
): Layer[] {
  return layers.filter((layer) => layer.from !== undefined && !kept.includes(layer) && !isAdopted(layer));
}

/** A layer that was there before stays where it is; others come last. */
function inOrder(before: readonly Layer[], wanted: readonly NewLayer[]): NewLayer[] {
  const key = ({ image, bytecode }: NewLayer) => `${image.wheelDigest} ${bytecode ?? ''}`;
  const places = new Map(before.map((layer, index) => [key(layer), index]));
  const placeOf = (layer: NewLayer) => places.get(key(layer)) ?? before.length;
  return [...wanted].sort((a, b) => placeOf(a) - placeOf(b)).map(withoutSlot);
}

function withoutSlot(layer: NewLayer & { slot?: number }): NewLayer {
  const { slot: _, ...rest } = layer;
  return rest;
}

function requestedNow(current: Manifest, layers: readonly Layer[]): string[] {
  const names = new Set(layers.map(({ image }) => normalizeName(image.name)));
  const kept = current.requested.filter((text) => names.has(requestedName(text, current.layers)));
  const known = new Set(kept.map((text) => requestedName(text, layers)));
  const asked = layers.filter(
    ({ image, reason, from }) =>
      reason === 'requested' &&
      from === undefined &&
      normalizeName(image.name) !== 'pip' &&
      !known.has(normalizeName(image.name)),
  );
  return [...kept, ...asked.map((layer) => requirementOf(layer))];
}
