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

/** What a build is remembered by: the archive's digest, or the commit. Folders change and are built anew. */
function sourceDigest(download: Download): Digest | undefined {
  if (isWheelDownload(download)) return undefined;
  const { vcs_info: repository, url, subdirectory = '' } = download;
  if (!repository) return archiveDigest(download);
  return sha256(Buffer.from(`${repository.vcs}+${url}@${repository.commit_id}#${subdirectory}`));
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
        const source = sourceDigest(pin.download);
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
    const { progress } = this.#workspace;
    const wheels = new Map<Pin, string>();
    const remote: Pin[] = [];
    progress.start('Fetching', pins.length);
    for (const pin of pins) {
      const local = localWheel(pin.download);
      if (local) wheels.set(pin, local);
      else if (pin.download.dir_info?.editable)
        wheels.set(
          pin,
          await (await import('./editable.js')).buildEditable(
            this.#workspace,
            this.#interpreter,
            folder,
            pin,
          ),
        );
      else remote.push(pin);
    }
    if (remote.length === 0) return wheels;
    const pip = await (await import('./pip.js')).findPip(this.#interpreter);
    const target = join(folder, 'wheels');
    // A line with a hash makes pip ask for the hash of every other.
    const pinned = remote.filter(isPinnedByHash);
    const others = remote.filter((pin) => !isPinnedByHash(pin));
    await this.#pipWheel(pip, folder, pinned.map(hashedLine));
    await this.#pipWheel(pip, folder, others.map(directLine));
    for (const pin of remote) wheels.set(pin, await findWheel(target, pin));
    return wheels;
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
  if (!isDirect && version !== undefined) return `${name}==${version}`;
  const { url, vcs_info: repository, subdirectory } = download;
  const prefix = repository ? `${repository.vcs}+` : '';
  const commit = repository ? `@${repository.commit_id}` : '';
  const digest = archiveDigest(download);
  const fragment = [
    ...(subdirectory === undefined ? [] : [`subdirectory=${subdirectory}`]),
    ...(digest === undefined ? [] : [`sha256=${digest}`]),
  ].join('&');
  return `${name} @ ${prefix}${url}${commit}${fragment === '' ? '' : `#${fragment}`}`;
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
