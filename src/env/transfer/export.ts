import { chmod, lutimes, mkdir, mkdtemp, open, rename, rm, symlink, utimes } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { systemErrorCode } from '../../base/errors.js';
import type { Image, NodeIndex } from '../../image/read.js';
import type { Manifest } from '../../manifest/types.js';
import { ImageCache } from '../../store/image-cache.js';
import { ImageContents } from '../../store/image-contents.js';
import { type Attributes, attributesOf, listEntries } from '../../view/locate.js';
import { type RenderContext, render } from '../../view/render.js';
import type { GeneratedEntry, ImageEntry, View, ViewEntry } from '../../view/tree.js';
import { loadWritableView } from '../load-view.js';
import type { Workspace } from '../workspace.js';
import { forEachParallel } from './pool.js';
import { assertFreeFolder, targetTaken } from './target.js';

/** What was written. */
export interface Exported {
  path: string;
  files: number;
  bytes: number;
}

/** File operations under way at once: four threads of the runtime do them, and none of them should wait. */
const width = 16;
const pieceBytes = 4 << 20;

/** Entries of a view by their paths, parents before children. */
interface Walked {
  directories: [string, ViewEntry][];
  links: [string, ViewEntry & { kind: 'link' }][];
  files: [string, GeneratedEntry | ImageEntry][];
}

/**
 * Writes what a mount at `folder` would show as an ordinary venv on disk, without what says that it is
 * read-only. Staged beside `folder` and renamed at the end, so that a half one never has its name.
 * Throws TARGET_UNUSABLE unless `folder` is free or empty, and what loading the view throws.
 */
export async function exportEnvironment(
  workspace: Workspace,
  manifest: Manifest,
  folder: string,
): Promise<Exported> {
  const path = resolve(folder);
  await assertFreeFolder(path);
  const { store, environments } = workspace;
  const view = await loadWritableView(manifest, new ImageCache(store), environments.interpreters);
  await mkdir(dirname(path), { recursive: true });
  const staged = await mkdtemp(join(dirname(path), `.${basename(path)}.shenv-fs-`));
  try {
    const written = await new Writing(workspace, view, staged).run({ path, name: manifest.name });
    await rename(staged, path);
    return { path, ...written };
  } catch (error) {
    await rm(staged, { recursive: true, force: true });
    const code = systemErrorCode(error) ?? '';
    throw ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(code)
      ? targetTaken(path, 'was taken meanwhile')
      : error;
  }
}

/** One run that writes a view below a folder. */
class Writing {
  readonly #workspace: Workspace;
  readonly #view: View;
  readonly #root: string;
  readonly #contents = new ImageContents();
  #bytes = 0;

  constructor(workspace: Workspace, view: View, root: string) {
    this.#workspace = workspace;
    this.#view = view;
    this.#root = root;
  }

  async run(shown: { path: string; name: string }): Promise<{ files: number; bytes: number }> {
    const { directories, links, files } = walk(this.#view);
    const { progress, signal } = this.#workspace;
    progress.start('Writing', files.length);
    try {
      for (const [path] of directories) await mkdir(join(this.#root, path), { recursive: true });
      await forEachParallel(files, width, async ([path, entry]) => {
        signal?.throwIfAborted();
        await this.#writeFile(path, entry, this.#context(shown));
        progress.advance(1, path);
      });
      for (const [path, entry] of links) await this.#writeLink(path, entry);
      // Last, and children first: writing into a directory changes its time.
      for (const [path, entry] of directories.reverse()) await this.#finishDirectory(path, entry);
      return { files: files.length, bytes: this.#bytes };
    } finally {
      this.#contents.close();
      progress.finish();
    }
  }

  #context(shown: { path: string; name: string }): RenderContext {
    return {
      ...shown,
      systemSitePackages: this.#view.systemSitePackages,
      readContents: (image, node) => this.#contents.readAll(image, node),
    };
  }

  async #writeFile(path: string, entry: GeneratedEntry | ImageEntry, context: RenderContext): Promise<void> {
    const { mode, mtimeNs } = attributesOf(this.#view, entry);
    const file = await open(join(this.#root, path), 'wx', mode & 0o777);
    try {
      for await (const piece of this.#piecesOf(entry, context)) {
        await file.writeFile(piece);
        this.#bytes += piece.length;
      }
      await file.chmod(mode & 0o777);
      await file.utimes(seconds(mtimeNs), seconds(mtimeNs));
    } finally {
      await file.close();
    }
  }

  async *#piecesOf(entry: GeneratedEntry | ImageEntry, context: RenderContext): AsyncGenerator<Buffer> {
    if (entry.kind === 'generated') yield await render(this.#view, entry.content, context);
    else yield* this.#readPieces(this.#view.layers[entry.layer]!.image, entry.node);
  }

  async *#readPieces(image: Image, node: NodeIndex): AsyncGenerator<Buffer> {
    const { sizeBytes } = image.fileOf(node);
    for (let at = 0; at < sizeBytes; at += pieceBytes)
      yield await this.#contents.read(image, node, at, pieceBytes);
  }

  async #writeLink(path: string, entry: ViewEntry & { kind: 'link' }): Promise<void> {
    const target = join(this.#root, path);
    await symlink(entry.target, target);
    await lutimes(target, seconds(entry.mtimeNs), seconds(entry.mtimeNs));
  }

  async #finishDirectory(path: string, entry: ViewEntry): Promise<void> {
    const { mode, mtimeNs }: Attributes = attributesOf(this.#view, entry);
    await chmod(join(this.#root, path), mode & 0o777);
    await utimes(join(this.#root, path), seconds(mtimeNs), seconds(mtimeNs));
  }
}

function walk(view: View): Walked {
  const walked: Walked = { directories: [['', view.root]], links: [], files: [] };
  for (let next = 0; next < walked.directories.length; next += 1) {
    const [path, directory] = walked.directories[next]!;
    for (const [name, entry] of listEntries(view, directory) ?? []) {
      const below = path === '' ? name : `${path}/${name}`;
      if (entry.kind === 'directory' || entry.kind === 'graft') walked.directories.push([below, entry]);
      else if (entry.kind === 'link') walked.links.push([below, entry]);
      else walked.files.push([below, entry]);
    }
  }
  return walked;
}

/** Since 1970, as utimensat takes it here: exact to a microsecond, and times of images are whole seconds. */
function seconds(ns: bigint): number {
  return Number(ns) / 1e9;
}
