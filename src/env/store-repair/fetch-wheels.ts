import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256OfFile } from '../../base/digest.js';
import { ShenvError } from '../../base/errors.js';
import type { Probe } from '../../python/probe.js';
import { normalizeName, parseWheelFilename, sameVersion } from '../../wheel/filename.js';
import type { Workspace } from '../workspace.js';
import type { KnownInterpreters } from './interpreters.js';
import type { LostWheel } from './losses.js';

export interface WheelSources {
  /** Folders, `file:` URLs and pages, as pip takes them. */
  findLinks: readonly string[];
  /** pip's options that say where from. */
  indexArgs: readonly string[];
}

/** The wheels among `lost` that are files of this machine: below `findLinks`, or where they came from. */
export async function findLocally(
  lost: readonly LostWheel[],
  findLinks: readonly string[],
  originsOf: (wheel: LostWheel) => string[] = localOrigins,
): Promise<Map<LostWheel, string>> {
  const found = new Map<LostWheel, string>();
  const folders = findLinks.flatMap((place) => localPath(place) ?? []);
  const files = (await Promise.all(folders.map(listWheels))).flat();
  for (const wheel of lost) {
    for (const path of [...originsOf(wheel), ...files.filter((file) => isCandidate(wheel, file))]) {
      if (!(await isWheel(wheel, path))) continue;
      found.set(wheel, path);
      break;
    }
  }
  return found;
}

function localOrigins({ urls }: LostWheel): string[] {
  return urls.flatMap((url) => (url.startsWith('file:') ? fileURLToPath(url.replace(/[?#].*$/s, '')) : []));
}

function localPath(place: string): string | undefined {
  if (place.startsWith('file:')) return fileURLToPath(place);
  return /^[a-z+]+:\/\//i.test(place) ? undefined : place;
}

async function listWheels(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith('.whl')).map((name) => join(folder, name));
}

function isCandidate({ name, version }: LostWheel, path: string): boolean {
  try {
    const filename = parseWheelFilename(path.slice(path.lastIndexOf('/') + 1));
    const isSameName = normalizeName(filename.distribution) === normalizeName(name);
    return isSameName && sameVersion(filename.version.replaceAll('_', '-'), version.replaceAll('_', '-'));
  } catch (error) {
    if (error instanceof ShenvError) return false;
    throw error;
  }
}

async function isWheel({ digest, prefix }: LostWheel, path: string): Promise<boolean> {
  const found = await sha256OfFile(path).catch(() => '');
  return digest === undefined ? found.startsWith(prefix) : found === digest;
}

/**
 * Has pip fetch wheels into `folder`, by the digests that they had. One pip for all that an interpreter takes; only
 * where that fails one each, so that what can be had is had.
 */
export class WheelFetch {
  readonly #workspace: Workspace;
  readonly #interpreters: KnownInterpreters;
  readonly #indexArgs: readonly string[];
  readonly #folder: string;
  readonly found = new Map<LostWheel, string>();

  constructor(workspace: Workspace, interpreters: KnownInterpreters, sources: WheelSources, folder: string) {
    this.#workspace = workspace;
    this.#interpreters = interpreters;
    this.#indexArgs = sources.indexArgs;
    this.#folder = folder;
  }

  async run(lost: readonly LostWheel[]): Promise<void> {
    let waiting = lost.filter(({ digest }) => digest !== undefined);
    while (waiting.length > 0) {
      const { probe, targets, wheels } = await this.#nextGroup(waiting);
      waiting = waiting.filter((wheel) => !wheels.includes(wheel));
      if (probe) await this.#fetchGroup(probe, targets, wheels);
    }
  }

  /** What the interpreter of the first one takes; where there is none, what has its tags, for whatever runs pip. */
  async #nextGroup(waiting: readonly LostWheel[]) {
    const first = waiting.find(({ tags }) => !isForAny(tags)) ?? waiting[0]!;
    const takes = (probe: Probe, { tags }: LostWheel) => tags.some((tag) => probe.tags.includes(tag));
    const probe = await this.#interpreters.find((candidate) => takes(candidate, first));
    if (probe)
      return { probe, targets: [], wheels: onceEach(waiting.filter((wheel) => takes(probe, wheel))) };
    const same = waiting.filter(({ tags }) => String(tags) === String(first.tags));
    const other = await this.#interpreters.find(() => true);
    return { probe: other, targets: targetArgs(first.tags), wheels: onceEach(same) };
  }

  async #fetchGroup(probe: Probe, targets: readonly string[], wheels: readonly LostWheel[]): Promise<void> {
    const attempts = [wheels.map(lineByUrl), wheels.map(lineByName)];
    for (const lines of attempts)
      if (await this.#download(probe, targets, lines)) return this.#collect(wheels);
    for (const wheel of wheels.length > 1 ? wheels : []) {
      if (!(await this.#download(probe, targets, [lineByUrl(wheel)])))
        await this.#download(probe, targets, [lineByName(wheel)]);
    }
    return this.#collect(wheels);
  }

  async #download(probe: Probe, targets: readonly string[], lines: readonly string[]): Promise<boolean> {
    const { progress, signal } = this.#workspace;
    const { findPip, runPip } = await import('../pip.js');
    const list = join(this.#folder, 'wanted.txt');
    await writeFile(list, `${lines.join('\n')}\n`);
    const args = ['download', '--no-deps', '--only-binary', ':all:', '--dest', this.#folder, ...targets];
    try {
      await runPip(await findPip(probe), [...args, ...this.#indexArgs, '-r', list], progress, signal);
      return true;
    } catch (error) {
      if (error instanceof ShenvError) return false;
      throw error;
    }
  }

  async #collect(wheels: readonly LostWheel[]): Promise<void> {
    for (const [wheel, path] of await findLocally(wheels, [this.#folder], () => []))
      this.found.set(wheel, path);
  }
}

/** pip takes one version of a name at a time. */
function onceEach(wheels: readonly LostWheel[]): LostWheel[] {
  return [...new Map(wheels.map((wheel) => [normalizeName(wheel.name), wheel])).values()];
}

function isForAny(tags: readonly string[]): boolean {
  return tags.some((tag) => tag.endsWith('-none-any'));
}

/** pip's options for an interpreter that is not here. */
function targetArgs(tags: readonly string[]): string[] {
  const [, python = '', abi = '', platform = ''] = /^([^-]+)-([^-]+)-(.+)$/.exec(tags[0] ?? '') ?? [];
  const [, implementation = '', major = '', minor = ''] = /^([a-z]+)(\d)(\d*)$/.exec(python) ?? [];
  if (implementation === '') return [];
  const version = minor === '' ? major : `${major}.${minor}`;
  const options = ['--platform', platform, '--python-version', version, '--abi', abi];
  return [...options, '--implementation', implementation];
}

function lineByUrl(wheel: LostWheel): string {
  const url = wheel.urls.find((place) => !place.startsWith('file:'));
  return url === undefined ? lineByName(wheel) : `${wheel.name} @ ${url} --hash=sha256:${wheel.digest}`;
}

function lineByName({ name, version, digest }: LostWheel): string {
  return `${name}==${version} --hash=sha256:${digest}`;
}
