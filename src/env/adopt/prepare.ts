import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest } from '../../base/brands.js';
import { walkImage } from '../../image/dump.js';
import type { Image } from '../../image/read.js';
import type { Manifest } from '../../manifest/types.js';
import { ImageCache } from '../../store/image-cache.js';
import { ImageContents } from '../../store/image-contents.js';
import type { View } from '../../view/tree.js';
import { compileImages } from '../bytecode.js';
import { type Differences, differences } from '../change.js';
import type { Workspace } from '../workspace.js';
import { type Base, findBase, venvOf } from './base.js';
import { findCandidates, folderAt, readStatuses, type Statuses } from './candidates.js';
import { findEqual } from './equality.js';
import { loadLower } from './lower-view.js';
import { isSameGeneration, nextManifest } from './next-manifest.js';
import { type Placed, placeAll } from './placing.js';
import type { AdoptionPlan, Skipped } from './plan.js';
import { layersShown, reconcile, type Steps } from './reconcile.js';
import { findRoots } from './roots.js';
import { readTimes, type Times } from './times.js';
import { readUpperTree, type UpperFolder, whiteoutsOf } from './upper-tree.js';

export interface PrepareRequest {
  manifest: Manifest;
  /** The upper layer. */
  folder: string;
  /** Where the environment is shown; empty when it is not. */
  mounts: readonly string[];
  /** What was written to after this is left alone; milliseconds since 1970. */
  quietSinceMs: number;
}

/** A plan and what it comes to. */
export interface Prepared {
  plan: AdoptionPlan;
  differences: Differences;
  skipped: Skipped[];
  imagesAdded: number;
}

/**
 * Finds out what of an upper layer the store can have, and puts it there; the upper layer stays as it is, and others may
 * write to it meanwhile. Throws PATH_CONFLICT, IMAGE_MISSING, INTERPRETER_MISSING, VENV_UNUSABLE.
 */
export async function prepareAdoption(workspace: Workspace, request: PrepareRequest): Promise<Prepared> {
  const folder = await mkdtemp(join(tmpdir(), 'shenv-fs-adopt-'));
  try {
    return await new Preparing(workspace, request, folder).run();
  } finally {
    workspace.progress.finish();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What an upper layer was when the run began. */
interface Found {
  upper: UpperFolder;
  statuses: Statuses;
  times: Times;
  before: View;
  roots: string[];
  base: Base;
}

/** A generation that may come next. */
interface Next {
  manifest: Manifest;
  after: View;
  steps: Steps;
}

/** One run. */
class Preparing {
  readonly #workspace: Workspace;
  readonly #request: PrepareRequest;
  readonly #root: string;
  /** For wheels. */
  readonly #folder: string;
  readonly #images: ImageCache;

  constructor(workspace: Workspace, request: PrepareRequest, folder: string) {
    this.#workspace = workspace;
    this.#request = request;
    this.#root = join(request.folder, 'tree');
    this.#folder = folder;
    this.#images = new ImageCache(workspace.store);
  }

  async run(): Promise<Prepared> {
    const { manifest, quietSinceMs } = this.#request;
    this.#workspace.progress.start(`Reading ${manifest.name}`, 0);
    const { interpreters } = this.#workspace.environments;
    const base = await findBase(interpreters, manifest, { root: this.#root, quietSinceMs });
    if (!base) {
      const nothing = differences([], []);
      const plan = { base: manifest.generation, next: undefined, drops: [] };
      return { plan, differences: nothing, skipped: [], imagesAdded: 0 };
    }
    const found = await this.#look(base);
    const venv = venvOf(base, this.#root, found.roots);
    const { installed, skipped } = await findCandidates(venv, found.upper, {
      statuses: found.statuses,
      quietSinceMs,
    });
    const python = base.interpreter.record.baseExecutable;
    const images = await placeAll(this.#workspace, installed, { venv, python, folder: this.#folder });
    const { next, placed, conflicts } = await this.#settle(found, images.placed);
    return {
      plan: await this.#plan(found, next, placed),
      differences: differences(manifest.layers, next.manifest.layers),
      skipped: [...skipped, ...images.skipped, ...conflicts],
      imagesAdded: images.imagesAdded,
    };
  }

  async #look(base: Base): Promise<Found> {
    const { manifest, folder, mounts } = this.#request;
    const upper = await readUpperTree(this.#root);
    const statuses = readStatuses(this.#root, upper);
    const times = await readTimes(folder);
    const before = await loadLower(this.#workspace, manifest, times, this.#images);
    const roots = await findRoots(this.#root, upper, { name: manifest.name, mounts });
    return { upper, statuses, times, before, roots, base };
  }

  /** Leaves out, one after the other, what would show in the place of something that is shown now. */
  async #settle(
    found: Found,
    all: readonly Placed[],
  ): Promise<{ next: Next; placed: readonly Placed[]; conflicts: Skipped[] }> {
    const conflicts: Skipped[] = [];
    for (let placed = all; ; ) {
      const next = await this.#compose(found, placed);
      const [conflict] = next.steps.conflicts;
      if (!conflict) return { next, placed, conflicts };
      const { lower, path } = conflict;
      const layer = lower && 'layer' in lower ? lower.layer : undefined;
      const digest = layer === undefined ? undefined : next.after.layers[layer]!.image.wheelDigest;
      const blamed = placed.filter(({ image }) => image.wheelDigest === digest);
      if (blamed.length === 0) throw new Error(`'${path}' would be another file`);
      placed = placed.filter((item) => !blamed.includes(item));
      for (const { image } of blamed)
        conflicts.push({
          distribution: `${image.meta.name} ${image.meta.version}`,
          reason: `'${path}' is shown from another distribution`,
        });
    }
  }

  async #compose({ upper, before, times, base }: Found, placed: readonly Placed[]): Promise<Next> {
    const { manifest: current } = this.#request;
    const shown = layersShown(upper, before);
    const manifest = nextManifest({
      current,
      base,
      placed,
      isShown: (layer) => shown.has(layer),
      hasBytecode: (image) => isMostlyCompiled(image, upper, base),
    });
    await compileImages(this.#workspace, base.interpreter.record, manifest.layers);
    const after = await loadLower(this.#workspace, manifest, times, this.#images);
    return { manifest, after, steps: reconcile(upper, before, after) };
  }

  async #plan(
    found: Found,
    { manifest, after, steps }: Next,
    placed: readonly Placed[],
  ): Promise<AdoptionPlan> {
    const { manifest: current } = this.#request;
    const { upper, statuses, roots } = found;
    const contents = new ImageContents();
    this.#workspace.progress.start('Comparing', 0);
    try {
      const digests = new Map<string, Digest>();
      for (const { installed } of placed)
        for (const [path, { digest }] of installed.files) digests.set(path, digest);
      const hidden = new Set([...whiteoutsOf(upper), ...steps.hide]);
      const common = { root: this.#root, name: current.name, lower: after, contents };
      const drops = await findEqual({ ...common, statuses, digests, roots, hidden }, steps);
      return { base: current.generation, next: this.#following(current, manifest), drops };
    } finally {
      contents.close();
    }
  }

  #following(current: Manifest, next: Manifest): Manifest | undefined {
    if (isSameGeneration(current, next)) return undefined;
    const { added, replaced } = differences(current.layers, next.layers);
    const names = [...added, ...replaced.map(({ to }) => to)].map(({ name }) => name);
    const what = ['adopt', ...names].join(' ');
    return { ...next, generation: current.generation + 1, change: { atMs: Date.now(), what } };
  }
}

/** Whether at least half of the sources of an image that are in the upper layer have bytecode there. */
function isMostlyCompiled(image: Image, upper: UpperFolder, { interpreter }: Base): boolean {
  const { minor, cacheTag } = interpreter.record;
  const site = folderAt(upper, `lib/python${minor}/site-packages`);
  let [sources, compiled] = [0, 0];
  for (const { path, node } of walkImage(image)) {
    if (image.isDirectory(node) || !path.startsWith('site/') || !path.endsWith('.py')) continue;
    const [, folder = '', name] = /^site\/(?:(.*)\/)?([^/]+)\.py$/.exec(path)!;
    sources += 1;
    const cache = site && folderAt(site, folder === '' ? '__pycache__' : `${folder}/__pycache__`);
    if (cache?.entries.has(`${name}.${cacheTag}.pyc`)) compiled += 1;
  }
  return compiled > 0 && 2 * compiled >= sources;
}
