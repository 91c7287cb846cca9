import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ShenvError } from '../base/errors.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import { markerEnvironment } from '../python/marker-environment.js';
import { expandTags, normalizeName, parseWheelFilename } from '../wheel/filename.js';
import { type MarkerEnvironment, markerHolds, parseMarker } from '../wheel/marker.js';
import { satisfies } from '../wheel/version.js';
import type { Download, Pin } from './pin.js';
import type { Lock, LockedFile, LockedPackage } from './pylock-file.js';

/**
 * What a lock gives for one interpreter, by the steps of PEP 751, "Installation": the packages whose
 * markers hold, and of each the source that fits. Throws LOCK_UNSUITABLE naming the step that fails.
 */
export function pinsOf(lock: Lock, path: string, interpreter: InterpreterRecord): Pin[] {
  const environment = markerEnvironment(interpreter);
  const groups = { extras: [], dependencyGroups: lock.defaultGroups };
  const holds = (marker: string) => markerHolds(parseMarker(marker), environment, groups);
  checkSuits(lock, path, environment, holds);
  const chosen = new Map<string, LockedPackage>();
  for (const item of lock.packages) {
    if (item.marker !== undefined && !holds(item.marker)) continue;
    const name = normalizeName(item.name);
    if (chosen.has(name)) throw unsuitable(path, `${item.name} is there more than once for this interpreter`);
    if (!acceptsPython(item.requiresPython, environment))
      throw unsuitable(path, `${item.name} requires Python ${item.requiresPython}`);
    chosen.set(name, item);
  }
  const roots = rootNames([...chosen.values()], lock.requested);
  const ranks = new Map(interpreter.tags.map((tag, index) => [tag, index]));
  const tellsDependencies = lock.packages.some(({ dependencies }) => dependencies.length > 0);
  return [...chosen].map(([name, item]) => ({
    ...sourceOf(item, path, ranks),
    name: item.name,
    version: item.version,
    requested: roots.has(name),
    extras: [],
    ...(tellsDependencies ? { dependencies: item.dependencies } : {}),
  }));
}

function checkSuits(
  lock: Lock,
  path: string,
  environment: MarkerEnvironment,
  holds: (marker: string) => boolean,
): void {
  if (!acceptsPython(lock.requiresPython, environment))
    throw unsuitable(path, `it requires Python ${lock.requiresPython}`);
  if (lock.environments.length > 0 && !lock.environments.some(holds))
    throw unsuitable(path, `it was made for ${lock.environments.join(', or ')}`);
}

function acceptsPython(specifier: string | undefined, environment: MarkerEnvironment): boolean {
  return (
    specifier === undefined || satisfies(environment.python_full_version, specifier, { prereleases: true })
  );
}

/** What the requirements name, or else what no other package depends on. */
function rootNames(packages: readonly LockedPackage[], requested?: readonly string[]): Set<string> {
  if (requested) return new Set(requested.map((text) => normalizeName(/^[\w.-]*/.exec(text)![0])));
  const depended = new Set(packages.flatMap((item) => item.dependencies.map(normalizeName)));
  return new Set(packages.map((item) => normalizeName(item.name)).filter((name) => !depended.has(name)));
}

type Source = Pick<Pin, 'download' | 'isDirect'>;

function sourceOf(item: LockedPackage, path: string, ranks: ReadonlyMap<string, number>): Source {
  const { vcs, directory, archive, sdist } = item;
  if (vcs) {
    const { type, commitId, requestedRevision: revision, subdirectory } = vcs;
    const vcs_info = {
      vcs: type,
      commit_id: commitId,
      ...(revision ? { requested_revision: revision } : {}),
    };
    return { isDirect: true, download: { url: place(vcs, path), vcs_info, ...within(subdirectory) } };
  }
  if (directory) {
    const dir_info = directory.editable ? { editable: true } : {};
    const url = place({ url: undefined, path: directory.path }, path);
    return { isDirect: true, download: { url, dir_info, ...within(directory.subdirectory) } };
  }
  if (archive)
    return { isDirect: true, download: { ...fileDownload(archive, path), ...within(archive.subdirectory) } };
  const wheel = bestWheel(item.wheels, ranks) ?? sdist;
  if (wheel) return { isDirect: false, download: fileDownload(wheel, path) };
  throw unsuitable(path, `no wheel of ${item.name} ${item.version ?? ''} fits this interpreter`);
}

function within(subdirectory: string | undefined): { subdirectory?: string } {
  return subdirectory === undefined ? {} : { subdirectory };
}

function fileDownload(file: LockedFile, lockPath: string): Download {
  const { sha256 } = file;
  const archive_info = sha256 === undefined ? {} : { hash: `sha256=${sha256}`, hashes: { sha256 } };
  return { url: place(file, lockPath), archive_info };
}

/** PEP 751: paths are relative to the lock. */
function place(file: { url: string | undefined; path: string | undefined }, lockPath: string): string {
  return file.url ?? pathToFileURL(resolve(dirname(lockPath), file.path ?? '')).href;
}

/** The wheel whose tags the interpreter prefers. */
function bestWheel(
  wheels: readonly LockedFile[],
  ranks: ReadonlyMap<string, number>,
): LockedFile | undefined {
  let best: LockedFile | undefined;
  let bestRank = Number.POSITIVE_INFINITY;
  for (const wheel of wheels) {
    const rank = rankOf(expandTags(parseWheelFilename(wheel.name)), ranks);
    if (rank < bestRank) [best, bestRank] = [wheel, rank];
  }
  return best;
}

/** Place of the best of `tags` in the interpreter's list; infinite where none is in it. */
export function rankOf(tags: readonly string[], ranks: ReadonlyMap<string, number>): number {
  return Math.min(...tags.map((tag) => ranks.get(tag) ?? Number.POSITIVE_INFINITY));
}

function unsuitable(path: string, rule: string): ShenvError {
  return new ShenvError('LOCK_UNSUITABLE', `${path} cannot be installed here: ${rule}`, {
    hint: 'Choose another interpreter with --python, or make a lock for this one.',
    path,
  });
}
