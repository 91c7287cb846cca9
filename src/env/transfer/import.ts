import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../../base/digest.js';
import { ShenvError } from '../../base/errors.js';
import type { Image } from '../../image/read.js';
import type { Manifest } from '../../manifest/types.js';
import { findInterpreter, type KnownInterpreter } from '../../python/interpreter-record.js';
import { markerEnvironment } from '../../python/marker-environment.js';
import { putWheel } from '../../store/put.js';
import type { Clash } from '../../view/tree.js';
import { normalizeName } from '../../wheel/filename.js';
import { type NewLayer, toLayer } from '../change.js';
import { installationOrder } from '../installation-order.js';
import { referenceTo } from '../obtain.js';
import type { Download } from '../pin.js';
import { requirementOf } from '../requested.js';
import type { Workspace } from '../workspace.js';
import { findEqualImage } from './equal-image.js';
import { findLooseFiles, type LooseFiles } from './loose-files.js';
import { publishArrival } from './new-environment.js';
import {
  type LocalFiles,
  localVersion,
  planInstalled,
  planLocalFiles,
  type WheelPlan,
  writeWheels,
} from './repack.js';
import { type Installed, surveyVenv } from './survey.js';
import { readVenv, type Venv } from './venv.js';

export interface ImportRequest {
  folder: string;
  name: string;
  /** As `create` takes it; the venv's own interpreter when left out. */
  python?: string;
  bytecode: boolean;
}

/** What became of a venv. */
export interface Imported {
  manifest: Manifest;
  python: string;
  clashes: readonly Clash[];
  /** Distributions whose image the store had, equal file by file. */
  shared: number;
  imagesAdded: number;
  /** Files that are not what RECORD says, of which distribution. */
  modified: { distribution: string; path: string }[];
  /** Files that RECORD names and that are not there. */
  missing: { distribution: string; path: string }[];
  /** Files that no RECORD names. */
  loose: string[];
  /** What was not taken over, with the reason. */
  left: LooseFiles['left'];
  /** The distribution that holds the environment's own files, where there are any. */
  localFiles: string | undefined;
}

/** Marks images as made from what was installed: no requirement by name and version takes them for the index's. */
const importedMark = sha256(Buffer.from('packed from an installed distribution'));

/**
 * Makes an environment of an existing venv, which stays as it is. What the store has, equal file by file, is
 * taken from it; the rest is packed as wheels again. Files that are modified, or that no distribution names,
 * become a distribution of their own on top. Throws VENV_UNUSABLE, INTERPRETER_MISSING.
 */
export async function importVenv(workspace: Workspace, request: ImportRequest): Promise<Imported> {
  const { environments, progress } = workspace;
  await environments.assertFree(request.name);
  const venv = await readVenv(request.folder);
  const interpreter = await findInterpreter(environments.interpreters, request.python ?? venv.python);
  assertMinor(venv, interpreter);
  const folder = await mkdtemp(join(tmpdir(), 'shenv-fs-import-'));
  try {
    return await new Importing(workspace, request, { venv, interpreter, folder }).run();
  } finally {
    progress.finish();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Found {
  venv: Venv;
  interpreter: KnownInterpreter;
  /** For wheels. */
  folder: string;
}

/** An installed distribution and its image. */
interface Placed {
  installed: Installed;
  image: Image;
}

/** One run. */
class Importing {
  readonly #workspace: Workspace;
  readonly #request: ImportRequest;
  readonly #found: Found;
  #imagesAdded = 0;

  constructor(workspace: Workspace, request: ImportRequest, found: Found) {
    this.#workspace = workspace;
    this.#request = request;
    this.#found = found;
  }

  async run(): Promise<Imported> {
    const { venv, interpreter } = this.#found;
    const { progress } = this.#workspace;
    progress.start(`Reading ${venv.root}`, 0);
    const installed = await surveyVenv(venv);
    const { files: loose, left } = await findLooseFiles(venv, installed, interpreter.record.skeleton);
    const known = await this.#findKnown(installed);
    const modifiedBelow = [...known.keys()].flatMap((item) => pathsModified(item));
    const local = this.#localFiles([...loose, ...modifiedBelow]);
    const { placed, localImage } = await this.#place(installed, known, local);
    const layers = this.#layers(placed, localImage);
    const requested = layers
      .filter(({ reason, image }) => reason === 'requested' && normalizeName(image.name) !== 'pip')
      .map((layer) => requirementOf(layer));
    const { name, bytecode } = this.#request;
    const published = await publishArrival(this.#workspace, {
      name,
      interpreter,
      layers,
      options: { systemSitePackages: venv.systemSitePackages, bytecode, held: [] },
      requested,
      what: `import ${venv.root}`,
    });
    const ownTitle = `${local?.name} ${localVersion}`;
    return {
      manifest: published.manifest,
      // That modified files lie on what they were is told as such.
      clashes: published.clashes.filter(({ later }) => later !== ownTitle),
      python: interpreter.record.version,
      shared: known.size,
      imagesAdded: this.#imagesAdded,
      modified: listed(installed, pathsModified),
      missing: listed(installed, ({ missing }) => missing),
      loose,
      left,
      localFiles: local?.name,
    };
  }

  async #findKnown(installed: readonly Installed[]): Promise<Map<Installed, Image>> {
    const known = new Map<Installed, Image>();
    for (const item of installed) {
      this.#workspace.signal?.throwIfAborted();
      const image = await findEqualImage(this.#workspace, this.#found.venv, item);
      if (image) known.set(item, image);
    }
    return known;
  }

  #localFiles(paths: readonly string[]): LocalFiles | undefined {
    if (paths.length === 0) return undefined;
    const stem = this.#request.name.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'environment';
    const native = paths.some((path) => /\.so(\.|$)/.test(path));
    const tag = native ? this.#found.interpreter.record.tags[0] : undefined;
    return { name: `${stem}-local-files`, paths, tag: tag ?? 'py3-none-any' };
  }

  /** Images of all, those that were not known packed and put into the store. */
  async #place(
    installed: readonly Installed[],
    known: ReadonlyMap<Installed, Image>,
    local: LocalFiles | undefined,
  ): Promise<{ placed: Placed[]; localImage: Image | undefined }> {
    const { venv, folder, interpreter } = this.#found;
    const { progress, signal } = this.#workspace;
    const unknown = installed.filter((item) => !known.has(item));
    const plans = new Map(unknown.map((item) => [item, planInstalled(venv, item, folder)]));
    const localPlan = local && (await planLocalFiles(venv, local, folder));
    const all = [...plans.values(), ...(localPlan ? [localPlan] : [])];
    progress.start('Packing', 0);
    if (all.length > 0)
      await writeWheels(interpreter.record.baseExecutable, all, { folder, ...(signal ? { signal } : {}) });
    progress.start('Adding to the store', all.length);
    const placed: Placed[] = [];
    for (const item of installed)
      placed.push({ installed: item, image: known.get(item) ?? (await this.#put(plans.get(item)!)) });
    return { placed, localImage: localPlan && (await this.#put(localPlan)) };
  }

  async #put({ output }: WheelPlan): Promise<Image> {
    const { store, progress, signal } = this.#workspace;
    const { image, added } = await putWheel(store, output, {
      builtFrom: importedMark,
      ...(signal ? { signal } : {}),
    });
    await rm(output);
    if (added) this.#imagesAdded += 1;
    progress.advance(1, image.meta.name);
    return image;
  }

  /** In the order in which pip would install them; the environment's own files last, and so on top. */
  #layers(placed: readonly Placed[], localImage: Image | undefined): NewLayer[] {
    const { record } = this.#found.interpreter;
    const cacheTag = this.#request.bytecode ? record.cacheTag : undefined;
    // Installers before PEP 376's REQUESTED marked nothing: then everything counts as asked for.
    const isMarked = placed.some(({ installed }) => installed.requested);
    const isRequested = ({ requested }: Installed) => requested || !isMarked;
    const ordered = installationOrder(placed, markerEnvironment(record), ({ installed }) => ({
      name: installed.metadata.name,
      requires: installed.metadata.requiresDist,
      extras: installed.metadata.providesExtra,
      requested: isRequested(installed),
    }));
    const layers = ordered.map(({ installed, image }) =>
      toLayer(
        {
          image: referenceTo(image),
          requested: isRequested(installed),
          extras: [],
          added: false,
          ...(installed.directUrl ? { directUrl: installed.directUrl as unknown as Download } : {}),
        },
        installed.installer,
        cacheTag,
      ),
    );
    if (!localImage) return layers;
    const own = { image: referenceTo(localImage), requested: false, extras: [], added: true };
    return [...layers, toLayer(own, 'shenv-fs', cacheTag)];
  }
}

function pathsModified({ files }: Installed): string[] {
  return [...files].flatMap(([path, { recorded }]) => (recorded === undefined ? [] : [path]));
}

function listed(
  installed: readonly Installed[],
  pathsOf: (item: Installed) => readonly string[],
): { distribution: string; path: string }[] {
  return installed.flatMap((item) =>
    pathsOf(item).map((path) => ({ distribution: item.metadata.name, path })),
  );
}

function assertMinor(venv: Venv, { record }: KnownInterpreter): void {
  if (record.minor === venv.minor) return;
  throw new ShenvError(
    'INTERPRETER_MISSING',
    `${venv.root} is of Python ${venv.minor}, and ${record.baseExecutable} is Python ${record.minor}`,
    { hint: `Give an interpreter of the same version: --python ${venv.minor}.`, path: venv.root },
  );
}
