import type { FolderNode } from './nodes.js';
import type { UpperState } from './options.js';

/** A lower folder is merged with `folder` from now on: what that is called leads to `folder` too. */
export function addAlias({ tree, events }: UpperState, folder: FolderNode): void {
  const { inode } = folder.merged!;
  for (const number of [folder.inode, ...folder.aliases]) events.merged(number);
  if (tree.nodes.has(inode)) return;
  tree.nodes.set(inode, folder);
  folder.aliases.push(inode);
  events.changed(inode);
}
