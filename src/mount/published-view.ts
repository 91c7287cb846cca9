import type { Image } from '../image/read.js';
import type { GeneratedEntry, View, ViewDirectory } from '../view/tree.js';
import type { ShownUpper } from './writable/upper-layers.js';

/** A view that an engine serves, with its generated files by inode number. */
export interface PublishedView {
  view: View;
  /** What lies over it. */
  upper: ShownUpper | undefined;
  generated: ReadonlyMap<bigint, GeneratedEntry>;
}

export function publishedView(view: View, upper: ShownUpper | undefined): PublishedView {
  return { view, upper, generated: collectGenerated(view.root) };
}

/**
 * A view whose files have numbers of the environment, with the layers that it had before and has no more: nothing of
 * them has a name, but who has a file of theirs open can read on.
 */
export function keepLayers(view: View, before: View | undefined): View {
  if (!view.isOwn || !before?.isOwn) return view;
  const slots = new Set(view.layers.map(({ slot }) => slot));
  const past = before.layers.filter(({ slot }) => !slots.has(slot));
  return past.length === 0 ? view : { ...view, layers: [...view.layers, ...past] };
}

export function imagesOf({ layers }: View): Image[] {
  return layers.map(({ image }) => image);
}

/** With the wheels' images that have contents of theirs. */
export function filesOf(view: View): Image[] {
  return imagesOf(view).flatMap((image) => (image.base ? [image, image.base] : [image]));
}

function collectGenerated(
  directory: ViewDirectory,
  found = new Map<bigint, GeneratedEntry>(),
): Map<bigint, GeneratedEntry> {
  for (const entry of directory.entries.values()) {
    if (entry.kind === 'directory') collectGenerated(entry, found);
    else if (entry.kind === 'generated') found.set(entry.inode, entry);
  }
  return found;
}
