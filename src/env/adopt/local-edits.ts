import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { joinPath } from '../../upper/names.js';
import { attributesOf, listEntries, locate } from '../../view/locate.js';
import type { View, ViewEntry } from '../../view/tree.js';
import { isBytecode } from '../transfer/survey.js';
import type { UpperEntry, UpperFolder } from './upper-tree.js';

/** What an environment has that its manifest does not compose, or has no more. */
export interface LocalEdit {
  /** Relative to the environment's root. */
  path: string;
  change: 'added' | 'changed' | 'removed';
  type: 'file' | 'folder' | 'link' | 'other';
  /** Bytes; of what was removed those that it had. Left out for folders and for generated files. */
  sizeBytes?: number;
  /** Name and version of the distribution that has the file. */
  distribution?: string;
  /** The folder of the lower tree that was moved here. */
  movedFrom?: string;
}

/** Bytecode that Python wrote by itself is counted, not listed. */
export interface LocalEdits {
  edits: LocalEdit[];
  bytecodeFiles: number;
}

/** Compares an upper layer with the lower tree. `root` is its `tree`. Reads names and sizes alone. */
export function listEdits(root: string, upper: UpperFolder, lower: View): LocalEdits {
  const listing = new Listing(root, lower);
  listing.walk(upper, '', { lower: lower.root, isMerged: true });
  return listing.finish();
}

class Listing {
  readonly #root: string;
  readonly #lower: View;
  readonly #edits: LocalEdit[] = [];
  #bytecodeFiles = 0;

  constructor(root: string, lower: View) {
    this.#root = root;
    this.#lower = lower;
  }

  finish(): LocalEdits {
    this.#edits.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { edits: this.#edits, bytecodeFiles: this.#bytecodeFiles };
  }

  walk(folder: UpperFolder, path: string, at: { lower: ViewEntry | undefined; isMerged: boolean }): void {
    const names = new Map((at.lower && listEntries(this.#lower, at.lower)) ?? []);
    for (const [name, entry] of names) {
      const isThere = folder.entries.has(name);
      if (!isThere && (!at.isMerged || folder.whiteouts.has(name)))
        this.#add(joinPath(path, name), 'removed', this.#describe(entry));
    }
    for (const [name, entry] of folder.entries) {
      const isMerged = at.isMerged && !folder.whiteouts.has(name);
      this.#visit(joinPath(path, name), entry, { lower: names.get(name), isMerged });
    }
  }

  #visit(path: string, entry: UpperEntry, at: { lower: ViewEntry | undefined; isMerged: boolean }): void {
    const { lower } = at;
    if (entry.kind !== 'folder') {
      const sizeBytes = lstatSync(join(this.#root, path), { throwIfNoEntry: false })?.size ?? 0;
      const distribution = lower && this.#distributionOf(lower);
      this.#add(path, lower ? 'changed' : 'added', {
        type: entry.kind,
        sizeBytes,
        ...(distribution ? { distribution } : {}),
      });
      return;
    }
    const { redirect } = entry;
    const isNew = !lower || !isFolder(lower);
    if (redirect !== undefined || (isNew && entry.entries.size === 0))
      this.#add(path, isNew ? 'added' : 'changed', {
        type: 'folder',
        ...(redirect === undefined ? {} : { movedFrom: redirect }),
      });
    if (redirect === undefined) this.walk(entry, path, at);
    // What was moved here is compared with what it was.
    else this.walk(entry, path, { lower: locate(this.#lower, redirect), isMerged: true });
  }

  #add(path: string, change: LocalEdit['change'], rest: Omit<LocalEdit, 'path' | 'change'>): void {
    if (isBytecode(path) || path.endsWith('/__pycache__')) this.#bytecodeFiles += 1;
    else this.#edits.push({ path, change, ...rest });
  }

  #describe(entry: ViewEntry): Omit<LocalEdit, 'path' | 'change'> {
    const distribution = this.#distributionOf(entry);
    const { sizeBytes } = attributesOf(this.#lower, entry);
    const type = isFolder(entry) ? 'folder' : entry.kind === 'link' ? 'link' : 'file';
    return {
      type,
      ...(sizeBytes === undefined || type === 'folder' ? {} : { sizeBytes }),
      ...(distribution ? { distribution } : {}),
    };
  }

  #distributionOf(entry: ViewEntry): string | undefined {
    if (entry.kind === 'directory' || entry.kind === 'link' || entry.layer === undefined) return undefined;
    const { name, version } = this.#lower.layers[entry.layer]!.image.meta;
    return `${name} ${version}`;
  }
}

function isFolder(entry: ViewEntry): boolean {
  return entry.kind === 'directory' || entry.kind === 'graft';
}
