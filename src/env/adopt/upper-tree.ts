import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemErrorCode } from '../../base/errors.js';
import { hiddenBy, joinPath, markerName, whiteoutPrefix } from '../../upper/names.js';

/** What an upper layer has at one name. */
export type UpperEntry = UpperFolder | { kind: 'file' | 'link' | 'other' };

/** A folder of an upper layer, by its names alone. */
export interface UpperFolder {
  kind: 'folder';
  entries: Map<string, UpperEntry>;
  /** Names of the lower folder that are not shown. */
  whiteouts: Set<string>;
  /** The lower folder that it is merged with, where that is not the one at its own path. */
  redirect: string | undefined;
}

/** Reads the names below `folder`; changes nothing. What goes away meanwhile is left out. */
export async function readUpperTree(folder: string): Promise<UpperFolder> {
  const read: UpperFolder = { kind: 'folder', entries: new Map(), whiteouts: new Set(), redirect: undefined };
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const { name } = entry;
    const hidden = hiddenBy(name);
    if (name === markerName) read.redirect = await unlessGone(readFile(join(folder, name), 'utf8'));
    else if (hidden !== undefined) read.whiteouts.add(hidden);
    else if (entry.isDirectory()) {
      const below = await unlessGone(readUpperTree(join(folder, name)));
      if (below) read.entries.set(name, below);
    } else
      read.entries.set(name, { kind: entry.isFile() ? 'file' : entry.isSymbolicLink() ? 'link' : 'other' });
  }
  return read;
}

/** Whether something has no such name any more: others may write to an upper layer while it is read. */
export function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '');
}

async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** What stat(2) tells of an object of an upper layer. */
export interface UpperStatus {
  /** Permissions alone. */
  mode: number;
  sizeBytes: number;
  mtimeNs: bigint;
  /** As `stampOf`. */
  stamp: string;
}

/** Whether a mode has permission bits alone: what lies in the store cannot be set-id, nor sticky. */
export function isKeepable(mode: number): boolean {
  return (mode & 0o7000) === 0;
}

/** Where the whiteout of what is at `path` in an upper layer's `tree` is, or would be. */
export function whiteoutPathOf(path: string): string {
  return join(dirname(path), `${whiteoutPrefix}${basename(path)}`);
}

/** The paths that whiteouts hide. */
export function* whiteoutsOf(folder: UpperFolder, path = ''): Generator<string> {
  for (const name of folder.whiteouts) yield joinPath(path, name);
  for (const [name, entry] of folder.entries)
    if (entry.kind === 'folder') yield* whiteoutsOf(entry, joinPath(path, name));
}
