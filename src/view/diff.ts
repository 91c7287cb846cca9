import type { InodeNumber } from '../base/brands.js';
import { attributesOf } from './locate.js';
import type { View, ViewDirectory, ViewEntry } from './tree.js';

/** What the kernel has to forget when one view takes the place of another. */
export interface ViewChanges {
  /** Names whose meaning changed, vanished or came, by the directory that holds them. */
  entries: { parent: InodeNumber; name: string }[];
  /** Directories whose listing changed and generated files whose content may have. */
  inodes: InodeNumber[];
}

/**
 * Compares two views of one environment. Pure; looks at the directories that the views hold, never below a graft:
 * a graft with the same inode is the same directory of the same image.
 */
export function diffViews(before: View, after: View): ViewChanges {
  const changes: ViewChanges = { entries: [], inodes: [] };
  compareDirectories(before, after, before.root, after.root, changes);
  return changes;
}

function compareDirectories(
  before: View,
  after: View,
  old: ViewDirectory,
  current: ViewDirectory,
  changes: ViewChanges,
): void {
  let listingChanged = old.inode !== current.inode || old.mtimeNs !== current.mtimeNs;
  for (const name of new Set([...old.entries.keys(), ...current.entries.keys()])) {
    const [was, is] = [old.entries.get(name), current.entries.get(name)];
    if (was && is && inodeOf(before, was) === inodeOf(after, is)) {
      compareKept(before, after, was, is, changes);
      continue;
    }
    listingChanged = true;
    changes.entries.push({ parent: old.inode, name });
    // The directory may have been a graft before, or be one now, below another parent.
    if (was?.kind === 'directory') forgetBelow(was, changes);
  }
  if (listingChanged) changes.inodes.push(old.inode);
}

function compareKept(before: View, after: View, was: ViewEntry, is: ViewEntry, changes: ViewChanges): void {
  if (was.kind === 'directory' && is.kind === 'directory') {
    compareDirectories(before, after, was, is, changes);
  } else if (was.kind === 'directory' || is.kind === 'directory') {
    // The same directory, now shared with or left alone by another layer.
    changes.inodes.push(inodeOf(before, was));
    const held = was.kind === 'directory' ? was : (is as ViewDirectory);
    for (const name of held.entries.keys()) changes.entries.push({ parent: held.inode, name });
    forgetBelow(held, changes);
  } else if (was.kind === 'generated' || was.kind === 'link') {
    changes.inodes.push(inodeOf(before, was));
  }
}

function forgetBelow(directory: ViewDirectory, changes: ViewChanges): void {
  for (const [name, entry] of directory.entries) {
    changes.entries.push({ parent: directory.inode, name });
    if (entry.kind === 'directory') forgetBelow(entry, changes);
  }
  changes.inodes.push(directory.inode);
}

function inodeOf(view: View, entry: ViewEntry): InodeNumber {
  return attributesOf(view, entry).inode;
}
