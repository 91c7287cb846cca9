import { type FileHandle, open, rm } from 'node:fs/promises';
import { ShenvError, systemErrorCode, unless } from '../../base/errors.js';
import { readDigests } from '../../image/digests.js';
import type { Image } from '../../image/read.js';
import type { Layer, Manifest } from '../../manifest/types.js';
import { findInterpreter, type KnownInterpreter } from '../../python/interpreter-record.js';
import { publishForeignImage, type StagedImage, stageForeignImage } from '../../store/foreign-image.js';
import type { Clash } from '../../view/tree.js';
import type { NewLayer } from '../change.js';
import type { Workspace } from '../workspace.js';
import { copyRange } from './copy-range.js';
import { publishArrival } from './new-environment.js';
import {
  type PackedImage,
  type PackedInterpreter,
  type PackIndex,
  packDamaged,
  readIndex,
} from './pack-format.js';

export interface UnpackRequest {
  file: string;
  /** As it was packed, when left out. */
  name?: string;
  /** As `create` takes it; one of the packed minor version when left out. */
  python?: string;
}

/** What arrived. */
export interface Unpacked {
  manifest: Manifest;
  python: string;
  clashes: readonly Clash[];
  imagesAdded: number;
  /** Projects that are not in the pack: editable installations lead to their folders. */
  editables: string[];
}

/**
 * Makes an environment of a packed one. Everything is verified before the first image is published, under a
 * serial of this store. Throws PACK_DAMAGED, INTERPRETER_MISSING, INTERPRETER_UNUSABLE; nothing stays then.
 */
export async function unpackEnvironment(workspace: Workspace, request: UnpackRequest): Promise<Unpacked> {
  const { environments, progress } = workspace;
  const file = await openPack(request.file);
  try {
    const { index, start } = await readIndex(file, request.file);
    const name = request.name ?? index.manifest.name;
    await environments.assertFree(name);
    const interpreter = await findEqualInterpreter(workspace, index.interpreter, request.python);
    const imagesAdded = await new Unpacking(workspace, request.file, {
      file,
      index,
      start,
      interpreter,
    }).run();
    const { layers, options, requested, generation } = index.manifest;
    const published = await publishArrival(workspace, {
      name,
      interpreter,
      layers: layers.map((layer) => ownLayer(layer, interpreter.record.cacheTag)),
      options: {
        systemSitePackages: options.systemSitePackages === true,
        bytecode: options.bytecode === true,
        held: [...(options.held ?? [])],
      },
      requested,
      what: `unpack ${index.manifest.name}@${generation}`,
    });
    return { ...published, python: interpreter.record.version, imagesAdded, editables: editablesOf(layers) };
  } finally {
    progress.finish();
    await file.close();
  }
}

async function openPack(path: string): Promise<FileHandle> {
  const file = await unless('ENOENT', open(path, 'r')).catch((error: unknown) => {
    if (systemErrorCode(error) !== 'EACCES') throw error;
    return undefined;
  });
  if (file && (await file.stat()).isFile()) return file;
  await file?.close();
  throw new ShenvError('USAGE', `There is no file ${path} that can be read`, {
    hint: '`shenv-fs pack ENV FILE` makes one.',
    path,
  });
}

interface Pack {
  file: FileHandle;
  index: PackIndex;
  /** Where the images start. */
  start: number;
  interpreter: KnownInterpreter;
}

/** One run: stages and verifies all images that the store lacks, then publishes them. */
class Unpacking {
  readonly #workspace: Workspace;
  readonly #path: string;
  readonly #pack: Pack;
  readonly #staged: StagedImage[] = [];

  constructor(workspace: Workspace, path: string, pack: Pack) {
    this.#workspace = workspace;
    this.#path = path;
    this.#pack = pack;
  }

  /** How many images are new. */
  async run(): Promise<number> {
    const { progress, signal, store } = this.#workspace;
    const { index, start } = this.#pack;
    let imagesAdded = 0;
    try {
      progress.start('Verifying', index.images.length);
      let position = start;
      for (const packed of index.images) {
        signal?.throwIfAborted();
        await this.#arrive(packed, position);
        position += packed.lengthBytes;
        progress.advance(1, packed.name);
      }
      for (const staged of this.#staged) if (await publishForeignImage(store, staged)) imagesAdded += 1;
      return imagesAdded;
    } finally {
      for (const { path } of this.#staged) await rm(path, { force: true });
    }
  }

  async #arrive(packed: PackedImage, position: number): Promise<void> {
    const staged = await this.#stage(packed, position);
    this.#staged.push(staged);
    const { meta, wheelDigest } = staged.image;
    if (meta.name !== packed.name || meta.version !== packed.version || wheelDigest !== packed.wheelDigest)
      throw packDamaged(this.#path, `the image of ${packed.name} is that of ${meta.name} ${meta.version}`);
    this.#assertSuitable(staged.image);
    const { store } = this.#workspace;
    const known = await store.find(meta.name, meta.version, wheelDigest);
    if (!known) return;
    const own = await store.open(meta.name, meta.version, wheelDigest);
    if (!(await readDigests(own)).equals(await readDigests(staged.image)))
      throw packDamaged(this.#path, `its image of ${meta.name} is not that of the same wheel in the store`);
    this.#staged.pop();
    await rm(staged.path);
  }

  async #stage({ name, version, lengthBytes }: PackedImage, position: number): Promise<StagedImage> {
    const { store, signal } = this.#workspace;
    const { file } = this.#pack;
    try {
      return await stageForeignImage(store, async (target) => {
        await copyRange(file, { position, lengthBytes }, async (piece) => {
          signal?.throwIfAborted();
          await target.writeFile(piece);
        });
      });
    } catch (cause) {
      const isRefusal = cause instanceof ShenvError && cause.code !== 'STORE_UNUSABLE';
      if (!isRefusal) throw cause;
      const rule = cause.message.replace(`${cause.path ?? ''}: `, '');
      throw packDamaged(this.#path, `the image of ${name} ${version}: ${rule}`, cause);
    }
  }

  #assertSuitable({ meta }: Image): void {
    const { record } = this.#pack.interpreter;
    const supported = new Set(record.tags);
    if (supported.size === 0 || meta.tags.some((tag) => supported.has(tag))) return;
    throw new ShenvError(
      'INTERPRETER_UNUSABLE',
      `${meta.wheelFilename} is not for ${record.baseExecutable} on this machine`,
      {
        hint: 'Binary wheels belong to one platform: lock the environment where it is, and create it from the lock here.',
        path: this.#path,
        found: meta.tags.join(', '),
      },
    );
  }
}

async function findEqualInterpreter(
  { environments }: Workspace,
  packed: PackedInterpreter,
  python: string | undefined,
): Promise<KnownInterpreter> {
  const found = await findInterpreter(environments.interpreters, python ?? packed.minor);
  const { implementation, minor, baseExecutable } = found.record;
  if (minor === packed.minor && implementation === packed.implementation) return found;
  throw new ShenvError(
    'INTERPRETER_MISSING',
    `The environment is of ${packed.implementation} ${packed.minor}, and ${baseExecutable} is ${implementation} ${minor}`,
    { hint: `Give one of the same version with --python, or leave the option out.`, path: baseExecutable },
  );
}

/** Inherited layers become the environment's own: what they were inherited from is elsewhere. */
function ownLayer({ from: _, slot: __, bytecode, ...layer }: Layer, cacheTag: string): NewLayer {
  return { ...layer, ...(bytecode === undefined ? {} : { bytecode: cacheTag }) };
}

function editablesOf(layers: readonly Layer[]): string[] {
  return layers.flatMap(({ image, directUrl }) => {
    const folder = directUrl?.dir_info as { editable?: boolean } | undefined;
    return folder?.editable ? [image.name] : [];
  });
}
