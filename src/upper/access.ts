import { chmodSync, closeSync, constants, fchmodSync, fstatSync, lstatSync, openSync } from 'node:fs';
import { systemErrorCode } from '../base/errors.js';
import type { FolderNode, Thing, UpperNode } from './nodes.js';
import type { UpperState } from './options.js';

const all = { folder: 0o700, file: 0o600 } as const;

/**
 * Runs `operation`, and again where the system refuses it: this process owns what a user has taken his own rights from,
 * and the kernel has checked before it asked. Then modes are widened meanwhile, of `things` and all folders above them.
 */
export function permitted<T>(state: UpperState, things: () => readonly Thing[], operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if (systemErrorCode(error) !== 'EACCES') throw error;
  }
  const restore = things().flatMap((thing) => chainOf(state, thing).flatMap((node) => widen(state, node)));
  try {
    return operation();
  } finally {
    for (const give of restore.reverse()) give();
  }
}

/** From the root down: what has to be passed on the way to something, and itself. */
function chainOf({ tree }: UpperState, thing: Thing): UpperNode[] {
  if (thing.kind === 'lower') {
    const anchor = tree.anchorOf(thing.path);
    return anchor === undefined ? [] : foldersTo(anchor.folder);
  }
  if (thing.kind === 'folder') return thing.removed ? [] : foldersTo(thing);
  return [...thing.places.flatMap(({ folder }) => foldersTo(folder)), thing];
}

function foldersTo(folder: FolderNode): FolderNode[] {
  return folder.parent === undefined ? [folder] : [...foldersTo(folder.parent), folder];
}

/** Adds the owner's rights to a folder or regular file; gives what takes them away, wherever it was moved to. */
function widen({ disk }: UpperState, node: UpperNode): (() => void)[] {
  const path = disk.pathOf(node);
  const mode = lstatSync(path).mode & 0o7777;
  const isRegular = node.kind === 'file' && node.type === constants.S_IFREG;
  const wanted = node.kind === 'folder' ? all.folder : isRegular ? all.file : 0;
  if ((mode & wanted) === wanted) return [];
  chmodSync(path, mode | wanted);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  return [
    () => {
      // Unless the operation itself has set another one.
      if ((fstatSync(fd).mode & 0o7777) === (mode | wanted)) fchmodSync(fd, mode);
      closeSync(fd);
    },
  ];
}
