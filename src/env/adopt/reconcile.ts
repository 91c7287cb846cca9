import { joinPath } from '../../upper/names.js';
import { listEntries, locate } from '../../view/locate.js';
import type { View, ViewEntry } from '../../view/tree.js';
import { identityOf } from './identity.js';
import type { UpperEntry, UpperFolder } from './upper-tree.js';

/** A name of the upper layer that the lower tree has too. */
export interface Pair {
  path: string;
  /** What the lower tree has there. */
  lower: ViewEntry;
  /** There is a whiteout of the name. */
  isHidden: boolean;
}

/** What leads from one lower tree to another without anything that is shown being changed. */
export interface Steps {
  /** Whiteouts to be made before: names that the new lower tree has and that are not shown. */
  hide: string[];
  /** Whiteouts to be taken away after: of folders that may be merged then, and of names that no lower tree has. */
  reveal: string[];
  /** Files and links that may be dropped where they are equal. */
  files: Pair[];
  /** Folders that may be dropped when they are empty; children before parents. */
  folders: Pair[];
  /** Where the new lower tree shows something else than the old one: this cannot be. */
  conflicts: { path: string; lower: ViewEntry | undefined }[];
}

/** Where a walk is: the upper folder and what the lower trees have for it. */
interface Place {
  path: string;
  upper: UpperFolder;
  before: ViewEntry | undefined;
  after: ViewEntry | undefined;
  /** False where a lower folder is shown elsewhere than at its own path: its times are those of one place. */
  mayDrop: boolean;
  /** False for a folder that is not merged with the lower one of its path. */
  isMerged: boolean;
}

/** Pure: what is to be done when the lower tree `before` becomes `after`, under this upper layer. */
export function reconcile(upper: UpperFolder, before: View, after: View): Steps {
  const reconciler = new Reconciler(before, after, redirectsOf(upper));
  reconciler.walk({ path: '', upper, before: before.root, after: after.root, mayDrop: true, isMerged: true });
  return reconciler.steps;
}

class Reconciler {
  readonly #before: View;
  readonly #after: View;
  readonly #redirects: readonly string[];
  steps: Steps = { hide: [], reveal: [], files: [], folders: [], conflicts: [] };

  constructor(before: View, after: View, redirects: readonly string[]) {
    this.#before = before;
    this.#after = after;
    this.#redirects = redirects;
  }

  walk(place: Place): void {
    const { path, upper } = place;
    const before = namesOf(this.#before, place.before);
    const after = namesOf(this.#after, place.after);
    for (const name of upper.whiteouts) if (!after.has(name)) this.steps.reveal.push(joinPath(path, name));
    for (const name of new Set([...before.keys(), ...after.keys()]))
      if (!upper.entries.has(name) && !upper.whiteouts.has(name))
        this.#compareLower(joinPath(path, name), before.get(name), after.get(name));
    for (const [name, entry] of upper.entries)
      this.#visit(place, name, { entry, before: before.get(name), after: after.get(name) });
  }

  #visit(
    { path, upper, mayDrop, isMerged }: Place,
    name: string,
    { entry, before, after }: { entry: UpperEntry } & Record<'before' | 'after', ViewEntry | undefined>,
  ): void {
    const below = joinPath(path, name);
    const isHidden = upper.whiteouts.has(name);
    if (entry.kind !== 'folder') {
      if (after && mayDrop) this.steps.files.push({ path: below, lower: after, isHidden });
      return;
    }
    if (entry.redirect !== undefined) {
      const [from, to] = [locate(this.#before, entry.redirect), locate(this.#after, entry.redirect)];
      this.walk({ path: below, upper: entry, before: from, after: to, mayDrop: false, isMerged: true });
      return;
    }
    if (!isMerged || isHidden) {
      this.#visitOpaque(entry, below, isMerged ? after : undefined, mayDrop);
      return;
    }
    this.walk({ path: below, upper: entry, before, after, mayDrop, isMerged });
    if (mayDrop && after && isFolder(after)) this.steps.folders.push({ path: below, lower: after, isHidden });
  }

  /** A folder that shows nothing of the lower tree; one that the new lower tree has most of is merged with it. */
  #visitOpaque(upper: UpperFolder, path: string, after: ViewEntry | undefined, mayDrop: boolean): void {
    const outer = this.steps;
    this.steps = { hide: [], reveal: [], files: [], folders: [], conflicts: [] };
    const common = { path, upper, before: undefined, mayDrop };
    if (mayDrop && after && isFolder(after) && !this.#isElsewhere(path)) {
      this.walk({ ...common, after, isMerged: true });
      if (this.steps.files.length > this.steps.hide.length) {
        this.steps.folders.push({ path, lower: after, isHidden: false });
        this.steps.reveal.push(path);
        this.steps = joined(outer, this.steps);
        return;
      }
      this.steps = { hide: [], reveal: [], files: [], folders: [], conflicts: [] };
    }
    this.walk({ ...common, after: undefined, isMerged: false });
    this.steps = joined(outer, this.steps);
  }

  /** Whether a part of the lower folder at `path` is shown at another place. */
  #isElsewhere(path: string): boolean {
    return this.#redirects.some(
      (target) => target === path || target.startsWith(`${path}/`) || path.startsWith(`${target}/`),
    );
  }

  /** A name that the upper layer has no part in. */
  #compareLower(path: string, before: ViewEntry | undefined, after: ViewEntry | undefined): void {
    if (!before) {
      if (after) this.steps.hide.push(path);
      return;
    }
    if (
      after &&
      identityOf(this.#before, before) === identityOf(this.#after, after) &&
      before.kind === after.kind
    ) {
      // The view's own folders are compared by their names; a folder of one image alone is the same.
      if (before.kind !== 'directory') return;
    } else if (!after || !isFolder(before) || !isFolder(after)) {
      this.steps.conflicts.push({ path, lower: after });
      return;
    }
    const [old, current] = [namesOf(this.#before, before), namesOf(this.#after, after)];
    for (const name of new Set([...old.keys(), ...current.keys()]))
      this.#compareLower(joinPath(path, name), old.get(name), current.get(name));
  }
}

function joined(a: Steps, b: Steps): Steps {
  for (const key of ['hide', 'reveal'] as const) for (const item of b[key]) a[key].push(item);
  for (const key of ['files', 'folders'] as const) for (const item of b[key]) a[key].push(item);
  for (const item of b.conflicts) a.conflicts.push(item);
  return a;
}

function namesOf(view: View, entry: ViewEntry | undefined): Map<string, ViewEntry> {
  if (entry?.kind === 'directory') return entry.entries;
  return new Map((entry && listEntries(view, entry)) ?? []);
}

function isFolder(entry: ViewEntry): boolean {
  return entry.kind === 'directory' || entry.kind === 'graft';
}

/** Lower folders that are shown at other places than their own. */
function redirectsOf(folder: UpperFolder): string[] {
  const found: string[] = folder.redirect === undefined ? [] : [folder.redirect];
  for (const entry of folder.entries.values()) if (entry.kind === 'folder') found.push(...redirectsOf(entry));
  return found;
}

/** The layers of which something is shown. Pure. */
export function layersShown(upper: UpperFolder, lower: View): Set<number> {
  const shown = new Set<number>();
  const mark = (entry: ViewEntry): void => {
    if (entry.kind === 'directory') for (const child of entry.entries.values()) mark(child);
    else if (entry.kind !== 'link' && entry.layer !== undefined) shown.add(entry.layer);
  };
  const walk = (folder: UpperFolder, entry: ViewEntry | undefined): void => {
    const names = namesOf(lower, entry);
    for (const [name, child] of names)
      if (!folder.entries.has(name) && !folder.whiteouts.has(name)) mark(child);
    for (const [name, child] of folder.entries) {
      if (child.kind !== 'folder') continue;
      const target = folder.whiteouts.has(name) ? undefined : names.get(name);
      walk(child, child.redirect === undefined ? target : locate(lower, child.redirect));
    }
  };
  walk(upper, lower.root);
  return shown;
}
