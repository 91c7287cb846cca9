import { type Layer, type Manifest, manifestVersion } from '../manifest/types.js';
import { findInterpreter } from '../python/interpreter-record.js';
import { putWheel } from '../store/put.js';
import type { Clash, View } from '../view/tree.js';
import { normalizeName } from '../wheel/filename.js';
import { compileImages } from './bytecode.js';
import { loadView } from './load-view.js';
import { type ResolvedDistribution, resolveRequirements } from './resolve.js';
import type { Workspace } from './workspace.js';

export interface CreateRequest {
  name: string;
  /** Version, path or program name of the interpreter; what is first on PATH when left out. */
  python?: string;
  requirements: readonly string[];
  pipArgs: readonly string[];
  /** Adds the pip that the interpreter's ensurepip carries, as `python -m venv` does. */
  withPip: boolean;
  systemSitePackages: boolean;
  /** Shows bytecode, compiled once for each wheel and cache tag. */
  bytecode: boolean;
}

export interface CreateResult {
  manifest: Manifest;
  view: View;
  clashes: readonly Clash[];
  /** How many images the store did not have before. */
  imagesAdded: number;
}

/** Slot 0 is the skeleton's. */
const firstSlot = 1;

/**
 * Makes a new environment: resolves, fills the store, composes once to find conflicts, and publishes
 * the manifest in one step; until then nothing of it is to be seen.
 */
export async function createEnvironment(workspace: Workspace, request: CreateRequest): Promise<CreateResult> {
  const { environments, store, images, progress } = workspace;
  await environments.assertFree(request.name);
  const { key, record } = await findInterpreter(environments.interpreters, request.python);
  const asksForWheels =
    request.requirements.length > 0 || request.pipArgs.some((arg) => arg === '-r' || arg === '-e');
  const { pipArgs } = request;
  const options = { pipArgs, progress, ...(workspace.signal ? { signal: workspace.signal } : {}) };
  const resolved = asksForWheels
    ? await resolveRequirements(store, record, request.requirements, options)
    : [];
  if (request.withPip && record.ensurepipWheel && !resolved.some(({ image }) => isPip(image.meta.name))) {
    const { image, added } = await putWheel(store, record.ensurepipWheel);
    resolved.unshift({ image, requested: true, added });
  }
  if (request.bytecode) {
    const all = resolved.map(({ image }) => image);
    await compileImages(store, record, all, progress);
  }
  const cacheTag = request.bytecode ? record.cacheTag : undefined;
  const manifest: Manifest = {
    version: manifestVersion,
    name: request.name,
    serial: await environments.claimSerial(),
    generation: 1,
    createdMs: Math.floor(Date.now() / 1000) * 1000,
    interpreter: key,
    layers: resolved.map((distribution, index) => toLayer(distribution, firstSlot + index, cacheTag)),
    parents: [],
    options: { systemSitePackages: request.systemSitePackages },
    nextSlot: firstSlot + resolved.length,
    requested: [...request.requirements],
  };
  const view = await loadView(manifest, images, environments.interpreters);
  workspace.signal?.throwIfAborted();
  await environments.create(manifest);
  return { manifest, view, clashes: view.clashes, imagesAdded: resolved.filter(({ added }) => added).length };
}

function isPip(name: string): boolean {
  return normalizeName(name) === 'pip';
}

/** The installer is pip, whose choice and order it is; so tools that ask for it get the truth. */
function toLayer(
  { image, requested, directUrl }: ResolvedDistribution,
  slot: number,
  bytecode?: string,
): Layer {
  return {
    image: { name: image.meta.name, version: image.meta.version, wheelDigest: image.wheelDigest },
    slot,
    reason: requested ? 'requested' : 'dependency',
    installer: 'pip',
    ...(bytecode === undefined ? {} : { bytecode }),
    ...(directUrl ? { directUrl } : {}),
  };
}
