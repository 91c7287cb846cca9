import { constants, openSync } from 'node:fs';
import { systemErrorCode } from '../base/errors.js';
import { permitted } from './access.js';
import { copyUp } from './copy-up.js';
import { FileError } from './file-error.js';
import { isFolder } from './merged-tree.js';
import { type FileNode, type Thing, types } from './nodes.js';
import type { UpperState } from './options.js';

const plain = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** As `UpperLayer.openFolder`. */
export function openFolder({ disk, tree }: UpperState, inode: bigint): OpenedFolder | undefined {
  const folder = tree.nodes.get(inode);
  if (folder?.kind !== 'folder' || folder.removed) return undefined;
  try {
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | plain;
    return { fd: openSync(disk.folderPath(folder), flags), isWhole: folder.merged === undefined };
  } catch {
    // It is answered without.
    return undefined;
  }
}

export interface OpenedFolder {
  /** The caller's to close. */
  fd: number;
  /** Nothing lower is merged with it. */
  isWhole: boolean;
}

/** As `UpperLayer.openBacking`. */
export function openBacking(state: UpperState, thing: Thing, isForWriting: boolean): number | undefined {
  if (isFolder(thing)) throw new FileError('EISDIR');
  if (thing.kind === 'lower') {
    if (thing.entry.kind === 'link') throw new FileError('ELOOP');
    if (!isForWriting) return undefined;
  }
  const file = copyUp(state, thing) as FileNode;
  if (file.type !== types.file) throw new FileError(file.type === types.link ? 'ELOOP' : 'EINVAL');
  const path = state.disk.pathOf(file);
  try {
    return permitted(
      state,
      () => [file],
      () => openSync(path, constants.O_RDWR | plain),
    );
  } catch (error) {
    if (!isForWriting && ['EPERM', 'EROFS', 'ETXTBSY'].includes(systemErrorCode(error) ?? '')) {
      return openSync(path, constants.O_RDONLY | plain);
    }
    throw error;
  }
}
