import type { Image } from '../image/read.js';
import type { GeneratedEntry, View, ViewDirectory } from '../view/tree.js';

/** A view that an engine serves, with its generated files by inode number. */
export interface PublishedView {
  view: View;
  generated: ReadonlyMap<bigint, GeneratedEntry>;
}

export function publishedView(view: View): PublishedView {
  return { view, generated: collectGenerated(view.root) };
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
