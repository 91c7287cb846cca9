import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ShenvError, unless } from '../base/errors.js';
import { expandTags, normalizeName, parseWheelFilename, type WheelFilename } from '../wheel/filename.js';
import { compareVersions, isPrerelease, satisfies } from '../wheel/version.js';
import { rankOf } from './lock.js';

/** Why an answer is left to pip: what it would choose does not follow from the names of wheels alone. */
export const unclear = Symbol('unclear');

/** Absolute paths of the files in the folders that are the only source; `unclear` for any other source. */
export async function listSources(indexArgs: readonly string[]): Promise<string[] | typeof unclear> {
  const folders: string[] = [];
  let isOnlySource = false;
  for (let at = 0; at < indexArgs.length; at += 1) {
    if (indexArgs[at] === '--no-index') isOnlySource = true;
    else if (indexArgs[at] === '--find-links') folders.push(indexArgs[++at] ?? '');
    else return unclear;
  }
  const files: string[] = [];
  for (const place of new Set(folders)) {
    const folder = place.startsWith('file:///') ? fileURLToPath(place) : resolve(place);
    if (/^\w+:/.test(place) && !place.startsWith('file:///')) return unclear;
    if (!(await unless('ENOENT', stat(folder)))?.isDirectory()) return unclear;
    files.push(...(await readdir(folder)).map((name) => join(folder, name)));
  }
  // pip reads pages that lie in a folder, too.
  return isOnlySource && !files.some((file) => /\.html?$/i.test(file)) ? files : unclear;
}

interface Candidate {
  path: string;
  version: string;
  rank: number;
  build: string | undefined;
}

/**
 * The wheel that pip takes for a requirement by name: of the highest version that it allows the one whose tags come first.
 * Pure. `unclear` where there are archives of sources, pre-releases, builds or equals to choose among, and where there is
 * no wheel at all.
 */
export function bestWheel(
  files: readonly string[],
  { name, specifier }: { name: string; specifier: string },
  tags: readonly string[],
): string | typeof unclear {
  const ranks = new Map(tags.map((tag, index) => [tag, index]));
  const candidates: Candidate[] = [];
  for (const path of files) {
    if (!normalizeName(basename(path)).startsWith(`${normalizeName(name)}-`)) continue;
    const parsed = parseName(basename(path));
    if (parsed === undefined) return unclear;
    if (normalizeName(parsed.distribution) !== normalizeName(name)) continue;
    const version = parsed.version.replaceAll('_', '-');
    const rank = rankOf(expandTags(parsed), ranks);
    if (rank < Number.POSITIVE_INFINITY && satisfies(version, specifier))
      candidates.push({ path, version, rank, build: parsed.build });
  }
  const [first, second] = candidates.sort(byPreference);
  if (!first || candidates.some(({ version, build }) => isPrerelease(version) || build !== undefined))
    return unclear;
  return second && byPreference(first, second) === 0 ? unclear : first.path;
}

function byPreference(a: Candidate, b: Candidate): number {
  return compareVersions(b.version, a.version) || a.rank - b.rank;
}

function parseName(file: string): WheelFilename | undefined {
  try {
    return parseWheelFilename(file);
  } catch (error) {
    if (!(error instanceof ShenvError)) throw error;
    return undefined;
  }
}
