import { isDirectory } from '../view/locate.js';
import type { ViewEntry } from '../view/tree.js';
import type { MergedTree } from './merged-tree.js';
import { joinPath } from './names.js';
import type { FolderNode, LowerFolder } from './nodes.js';

/**
 * Inode numbers of the lower files that have no name any more, or another file at theirs: some process may have them open.
 * Not of links: a copy of one may have lost its number, by which the kernel knows it still.
 */
export function hiddenFiles(tree: MergedTree): bigint[] {
  const found: bigint[] = [];
  const add = (entry: ViewEntry, path: string) => {
    if (entry.kind === 'link' || tree.anchorOf(path) !== undefined) return;
    if (!isDirectory(entry)) found.push(tree.lower.inodeOf(entry));
    else for (const name of tree.lower.namesIn(entry as LowerFolder)) addChild(entry, path, name);
  };
  const addChild = (folder: ViewEntry, path: string, name: string) => {
    const entry = tree.lower.child(folder, name);
    if (entry !== undefined) add(entry, joinPath(path, name));
  };
  const visit = ({ merged, whiteouts, children }: FolderNode) => {
    for (const name of [...whiteouts, ...children.keys()])
      if (merged !== undefined) addChild(merged.entry, merged.path, name);
    for (const { node } of children.values()) if (node.kind === 'folder') visit(node);
  };
  visit(tree.root);
  return found;
}
