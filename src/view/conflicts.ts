import { ShenvError } from '../base/errors.js';
import type { ViewEntry, ViewLayer } from './tree.js';

const noDistribution = 'the environment itself';

/** Name and version of what brings a layer, for people. */
export function distributionOf({ image }: ViewLayer): string {
  return `${image.meta.name} ${image.meta.version}`;
}

/** What brings an entry, for people: a distribution, or the environment itself. */
export function ownerOf(layers: readonly ViewLayer[], entry: ViewEntry): string {
  const isOfLayer = entry.kind === 'file' || entry.kind === 'graft' || entry.kind === 'generated';
  const layer = isOfLayer ? entry.layer : undefined;
  return layer === undefined ? noDistribution : distributionOf(layers[layer]!);
}

/**
 * PATH_CONFLICT: of `existing` and what is to come to its path one is a file and the other a directory. `newcomer`: the
 * layer that brings it; undefined for the environment itself.
 */
export function pathConflict(
  layers: readonly ViewLayer[],
  { path, existing, newcomer }: { path: string; existing: ViewEntry; newcomer: number | undefined },
): ShenvError {
  const isDirectory = existing.kind === 'directory' || existing.kind === 'graft';
  const owners = [
    ownerOf(layers, existing),
    newcomer === undefined ? noDistribution : distributionOf(layers[newcomer]!),
  ];
  const [file, directory] = isDirectory ? owners.reverse() : owners;
  return new ShenvError('PATH_CONFLICT', `'${path}' is a file of ${file} and a directory of ${directory}`, {
    hint: 'Both cannot be in one environment; leave one out or choose another version.',
    path,
  });
}
