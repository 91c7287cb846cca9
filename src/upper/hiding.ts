import { rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { systemErrorCode } from '../base/errors.js';
import { isDirectory } from '../view/locate.js';
import { attributesOfThing } from './attributes-of.js';
import { markerName, whiteoutOf } from './names.js';
import { type FolderNode, types } from './nodes.js';
import type { UpperState } from './options.js';

/** Writes the whiteout of a name, if the lower tree has it and there is none. Throws ENAMETOOLONG, EINVAL. */
export function hideLower(state: UpperState, folder: FolderNode, name: string): void {
  const { disk, tree, events } = state;
  if (folder.whiteouts.has(name) || !tree.lowerHas(folder, name)) return;
  try {
    disk.calls.makeNode(disk.pathIn(folder, whiteoutOf(name)), types.file | 0o600, 0);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
  folder.whiteouts.add(name);
  // Who has it open sees that it has no name.
  const hidden = tree.lower.child(folder.merged!.entry, name)!;
  if (!isDirectory(hidden)) events.changed(tree.lower.inodeOf(hidden));
}

/** Lets a folder be merged with its lower one wherever it is moved. */
export function markLower({ disk }: UpperState, folder: FolderNode): void {
  const { merged, marker } = folder;
  if (merged === undefined || marker !== undefined) return;
  disk.keepingTime(folder, () => writeWhole(disk, disk.pathIn(folder, markerName), merged.path));
  folder.marker = merged.path;
}

/** A marker that is half written would be believed: it gets its name when it is whole. */
function writeWhole(disk: UpperState['disk'], path: string, text: string): void {
  const temporary = disk.temporaryPath();
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: 0o600 });
    disk.calls.renameAt(temporary, path, 0);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Takes out of a folder that is shown empty what would keep it from being removed. Its own name in the lower tree must
 * be hidden before: it has no lower folder afterwards.
 */
export function clear(state: UpperState, folder: FolderNode): void {
  const { disk, tree } = state;
  hideLower(state, folder.parent!, folder.name);
  if (folder.marker === undefined && folder.whiteouts.size === 0) {
    tree.unmerge(folder);
    return;
  }
  disk.keepingTime(folder, () => {
    if (folder.marker !== undefined) unlinkSync(disk.pathIn(folder, markerName));
    folder.marker = undefined;
    tree.unmerge(folder);
    for (const name of folder.whiteouts) {
      unlinkSync(disk.pathIn(folder, whiteoutOf(name)));
      folder.whiteouts.delete(name);
    }
  });
}

/** Of a folder whose name is gone: what is known of it stays until it is forgotten. */
export function retireFolder({ events }: UpperState, folder: FolderNode, last: FolderNode['removed']): void {
  folder.removed = last && { ...last, nlink: 0 };
  events.orphaned(folder.inode);
}

/** rmdir(2) of a folder that is shown empty and has a part in `tree/`. */
export function removeFolder(state: UpperState, folder: FolderNode): void {
  const { disk, tree } = state;
  clear(state, folder);
  const last = attributesOfThing(state, folder);
  rmdirSync(disk.folderPath(folder));
  tree.detach(folder.parent!, folder.name);
  retireFolder(state, folder, last);
}
