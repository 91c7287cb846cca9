import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest } from '../base/brands.js';
import { sha256, sha256OfFile } from '../base/digest.js';
import { ShenvError } from '../base/errors.js';
import type { Image } from '../image/read.js';
import type { ImageReference } from '../manifest/types.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import { normalizeName, parseWheelFilename, sameVersion } from '../wheel/filename.js';
import {
  archiveDigest,
  type Chosen,
  type Download,
  isWheelDownload,
  localWheel,
  type Pin,
  wheelFilename,
} from './pin.js';
import type { Pip } from './pip.js';
import type { Workspace } from './workspace.js';

/** How wheels are fetched: pip's options that say where from, each with its value. */
export interface FetchOptions {
  indexArgs: readonly string[];
}

/**
 * The images of `pins`, in their order: what the store has is taken from it, the rest is fetched or
 * built by pip and put into the store. No program is started when nothing is missing.
 */
export async function obtain(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  pins: readonly Pin[],
  options: FetchOptions,
): Promise<Chosen[]> {
  const chosen = new Map<Pin, Chosen>();
  const missing: Pin[] = [];
  for (const pin of pins) {
    const image = await findImage(workspace, interpreter, pin);
    if (image) chosen.set(pin, describe(pin, image, false));
    else missing.push(pin);
  }
  if (missing.length > 0) {
    const fetching = new Fetching(workspace, interpreter, options);
    for (const [pin, image, added] of await fetching.run(missing))
      chosen.set(pin, describe(pin, image, added));
  }
  return pins.map((pin) => chosen.get(pin)!);
}

export function referenceTo(image: Image): ImageReference {
  return { name: image.meta.name, version: image.meta.version, wheelDigest: image.wheelDigest };
}

function describe(pin: Pin, image: ImageReference, added: boolean): Chosen {
  const { requested, extras, dependencies, download, isDirect } = pin;
  const isShared = !isDirect && !download.url.startsWith('file:');
  return {
    image,
    requested,
    extras,
    added,
    ...(dependencies ? { dependencies } : {}),
    ...(isDirect ? { directUrl: download } : {}),
    ...(isShared ? { url: download.url } : {}),
  };
}

async function findImage(
  { store, outlines }: Workspace,
  interpreter: InterpreterRecord,
  { name, version, download }: Pin,
): Promise<ImageReference | undefined> {
  if (isWheelDownload(download)) {
    const path = localWheel(download);
    const digest = archiveDigest(download) ?? (path === undefined ? undefined : await sha256OfFile(path));
    const found =
      digest === undefined || version === undefined
        ? undefined
        : outlines.describe(
            { name, version, wheelDigest: digest, wheelFilename: wheelFilename(download) },
            interpreter.cacheTag,
          );
    return found && referenceTo(found);
  }
  const source = sourceDigest(download);
  const found =
    source && version && (await store.findBuilt(name, version, source, new Set(interpreter.tags)));
  return found ? referenceTo(found) : undefined;
}

/** What a build can be found again by: the archive's digest, or the commit. Folders change and are built anew. */
function sourceDigest(download: Download): Digest | undefined {
  if (isWheelDownload(download)) return undefined;
  const { vcs_info: repository, url, subdirectory = '' } = download;
  if (!repository) return archiveDigest(download);
  return sha256(Buffer.from(`${repository.vcs}+${url}@${repository.commit_id}#${subdirectory}`));
}

/** What marks an image as built here, so that no requirement by name and version takes it for the index's. */
function originDigest(download: Download): Digest | undefined {
  if (isWheelDownload(download)) return undefined;
  return sourceDigest(download) ?? sha256(Buffer.from(`built from ${download.url}`));
}

/** One run that fetches what is missing, in a folder of its own. */
class Fetching {
  readonly #workspace: Workspace;
  readonly #interpreter: InterpreterRecord;
  readonly #indexArgs: readonly string[];

  constructor(workspace: Workspace, interpreter: InterpreterRecord, options: FetchOptions) {
    this.#workspace = workspace;
    this.#interpreter = interpreter;
    this.#indexArgs = options.indexArgs;
  }

  async run(pins: readonly Pin[]): Promise<[Pin, ImageReference, boolean][]> {
    const { store, progress, signal } = this.#workspace;
    const { putWheel } = await import('../store/put.js');
    const folder = await mkdtemp(join(tmpdir(), 'shenv-fs-fetch-'));
    try {
      const wheels = await this.#fetch(folder, pins);
      const results: [Pin, ImageReference, boolean][] = [];
      progress.start('Adding to the store', pins.length);
      for (const pin of pins) {
        signal?.throwIfAborted();
        progress.advance(1, pin.name);
        const source = originDigest(pin.download);
        await assertDigest(wheels.get(pin)!, pin);
        const { image, added } = await putWheel(store, wheels.get(pin)!, {
          ...(source ? { builtFrom: source } : {}),
          ...(signal ? { signal } : {}),
        });
        results.push([pin, referenceTo(image), added]);
      }
      return results;
    } finally {
      progress.finish();
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Wheel files: local ones as they are, folders that stay editable by their backend, the rest by `pip wheel`. */
  async #fetch(folder: string, pins: readonly Pin[]): Promise<Map<Pin, string>> {
    const wheels = new Map<Pin, string>();
    const remote: Pin[] = [];
    this.#workspace.progress.start('Fetching', pins.length);
    for (const pin of pins) {
      const local = localWheel(pin.download);
      if (local) wheels.set(pin, local);
      else if (pin.download.dir_info?.editable) wheels.set(pin, await this.#buildEditable(folder, pin));
      else remote.push(pin);
    }
    if (remote.length === 0) return wheels;
    await this.#fetchRemote(folder, remote);
    for (const pin of remote) wheels.set(pin, await findWheel(join(folder, 'wheels'), pin));
    return wheels;
  }

  async #buildEditable(folder: string, pin: Pin): Promise<string> {
    const { buildEditable } = await import('./editable.js');
    return buildEditable(this.#workspace, this.#interpreter, { folder, pin, indexArgs: this.#indexArgs });
  }

  /**
   * By the URLs, which requirements files and locks may have from indexes that are not configured; where
   * one cannot be reached, what has a hash is asked of the configured index, which may be a mirror.
   */
  async #fetchRemote(folder: string, pins: readonly Pin[]): Promise<void> {
    const pip = await (await import('./pip.js')).findPip(this.#interpreter);
    try {
      await this.#pipWheel(pip, folder, pins.map(directLine));
    } catch (error) {
      const pinned = pins.filter(isPinnedByHash);
      if (!(error instanceof ShenvError) || pinned.length === 0) throw error;
      // A line with a hash makes pip ask for the hash of every other.
      const others = pins.filter((pin) => !isPinnedByHash(pin));
      const isMirrored = await this.#pipWheel(pip, folder, pinned.map(hashedLine)).then(
        () => true,
        () => false,
      );
      if (!isMirrored) throw error;
      await this.#pipWheel(pip, folder, others.map(directLine));
    }
  }

  async #pipWheel(pip: Pip, folder: string, lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const { progress, signal } = this.#workspace;
    const list = join(folder, 'wanted.txt');
    await writeFile(list, `${lines.join('\n')}\n`);
    const args = ['wheel', '--no-deps', '--wheel-dir', join(folder, 'wheels'), ...this.#indexArgs];
    const { runPip } = await import('./pip.js');
    await runPip(pip, [...args, '-r', list], progress, signal);
  }
}

function isPinnedByHash({ isDirect, version, download }: Pin): boolean {
  return !isDirect && version !== undefined && archiveDigest(download) !== undefined;
}

function hashedLine({ name, version, download }: Pin): string {
  return `${name}==${version} --hash=sha256:${archiveDigest(download)}`;
}

function directLine({ name, version, download, isDirect }: Pin): string {
  if (!isDirect && version !== undefined && archiveDigest(download) === undefined)
    return `${name}==${version}`;
  const { url, vcs_info: repository, subdirectory } = download;
  const prefix = repository ? `${repository.vcs}+` : '';
  const commit = repository ? `@${repository.commit_id}` : '';
  const digest = archiveDigest(download);
  const fragment = [
    ...(subdirectory === undefined ? [] : [`subdirectory=${subdirectory}`]),
    ...(digest === undefined ? [] : [`sha256=${digest}`]),
  ].join('&');
  const place = `${prefix}${url}${commit}${fragment === '' ? '' : `#${fragment}`}`;
  // pip before 24.1 takes `name @ git+file:///…` for no requirement.
  return repository ? place : `${name} @ ${place}`;
}

/** Files of this machine do not pass through pip, which checks all others. */
async function assertDigest(path: string, { name, download }: Pin): Promise<void> {
  const expected = isWheelDownload(download) ? archiveDigest(download) : undefined;
  if (expected === undefined) return;
  const found = await sha256OfFile(path);
  if (found === expected) return;
  throw new ShenvError('RESOLVER_FAILED', `The wheel of ${name} has the SHA-256 ${found}, not ${expected}`, {
    hint: 'Make the lock or the hashes anew if the wheel is the right one.',
    path,
    expected,
    found,
  });
}

async function findWheel(folder: string, pin: Pin): Promise<string> {
  for (const file of await readdir(folder)) {
    const { distribution, version } = parseWheelFilename(file);
    const sameName = normalizeName(distribution) === normalizeName(pin.name);
    if (sameName && (pin.version === undefined || sameVersion(version.replaceAll('_', '-'), pin.version)))
      return join(folder, file);
  }
  throw new ShenvError('RESOLVER_FAILED', `pip gave no wheel of ${pin.name} ${pin.version ?? ''}`, {
    hint: 'Run the command again; if it stays so, add the wheel with `shenv-fs store add`.',
  });
}
