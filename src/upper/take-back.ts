import { lstatSync, unlinkSync } from 'node:fs';
import { folderAt, giveBackFolder, split } from './give-back.js';
import { removeFolder } from './hiding.js';
import { markerName, whiteoutOf } from './names.js';
import type { FileNode, FolderNode } from './nodes.js';
import type { UpperState } from './options.js';

/**
 * Takes a local edit back: what the upper layer has at a path goes, its whiteouts too, and the lower tree is shown there.
 * Who has a file open keeps it, but for a copy of a lower one, which is the lower one again. False where there is nothing.
 */
export function takeBack(state: UpperState, path: string): boolean {
  const { above, name } = split(path);
  const folder = folderAt(state, above);
  if (!folder || (!folder.children.has(name) && !folder.whiteouts.has(name))) return false;
  takeNameBack(state, folder, name);
  return true;
}

function takeNameBack(state: UpperState, folder: FolderNode, name: string): void {
  const { disk, events } = state;
  const node = folder.children.get(name)?.node;
  if (node?.kind === 'file') takeFileBack(state, folder, name, node);
  else if (node) takeFolderBack(state, node);
  if (folder.whiteouts.has(name)) {
    unlinkSync(disk.pathIn(folder, whiteoutOf(name)));
    folder.whiteouts.delete(name);
  }
  events.outdated([folder.inode, ...folder.aliases], name);
}

function takeFileBack(
  { disk, tree, events }: UpperState,
  folder: FolderNode,
  name: string,
  file: FileNode,
): void {
  const path = disk.pathIn(folder, name);
  const isLast = file.places.length === 1;
  const lower = folder.merged && tree.lower.child(folder.merged.entry, name);
  const isItself = isLast && lower !== undefined && tree.lower.inodeOf(lower) === file.inode;
  if (isLast && !isItself) disk.calls.renameAt(path, disk.orphanPath(file.inode), 0);
  else unlinkSync(path);
  tree.detach(folder, name);
  if (isItself) {
    tree.nodes.delete(file.inode);
    events.restored(file.inode);
  } else if (isLast) events.orphaned(file.inode);
}

/** All that is in it, then its own part: it is the lower folder again, or gone where there is none. */
function takeFolderBack(state: UpperState, folder: FolderNode): void {
  const { disk, tree } = state;
  for (const name of [...folder.children.keys(), ...folder.whiteouts]) takeNameBack(state, folder, name);
  if (folder.marker !== undefined) {
    unlinkSync(disk.pathIn(folder, markerName));
    folder.marker = undefined;
    tree.unmerge(folder);
  }
  const { mtimeNs, mode } = lstatSync(disk.folderPath(folder), { bigint: true });
  const asItIs = { mtimeNs, mode: Number(mode) & 0o7777 };
  if (!giveBackFolder(state, tree.pathOf(folder), asItIs)) removeFolder(state, folder);
}
