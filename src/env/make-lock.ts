import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ShenvError } from '../base/errors.js';
import type { Image } from '../image/read.js';
import type { Layer, Manifest } from '../manifest/types.js';
import { type InterpreterRecord, readInterpreter } from '../python/interpreter-record.js';
import { markerEnvironment } from '../python/marker-environment.js';
import { normalizeName } from '../wheel/filename.js';
import { installationsOf } from './check.js';
import { dependenciesOf, spreadExtras } from './consistency.js';
import { archiveDigest, type Download, type Pin } from './pin.js';
import type { Lock, LockedPackage } from './pylock-file.js';
import { readReference } from './reference.js';
import { portableRequirement, requestedExtras, requestedName } from './requested.js';
import { resolveWithPip } from './resolve.js';
import { nothingWanted } from './wanted.js';
import type { Workspace } from './workspace.js';

export interface LockRequest {
  /** Folder that paths in the lock are relative to. */
  folder: string;
  /** Where to ask for URLs that are not known: pip's index options. */
  indexArgs: readonly string[];
}

/**
 * The lock that leads to what an environment holds, for its interpreter. The pip that `create` added is
 * left out. URLs that nobody noted down (wheels added by hand) are asked of the index. Throws RESOLVER_FAILED.
 */
export async function makeLock(workspace: Workspace, name: string, request: LockRequest): Promise<Lock> {
  const manifest = await readReference(workspace, name);
  const interpreter = await readInterpreter(workspace.environments.interpreters, manifest.interpreter);
  const layers = manifest.layers.filter((layer) => !isSeededPip(layer, manifest));
  const urls = await findUrls(workspace, interpreter, layers, request.indexArgs);
  const dependencies = dependencyNames(workspace, interpreter, { ...manifest, layers });
  const packages = layers.map((layer) => {
    const image = workspace.outlines.open(layer.image);
    return lockedPackage(layer, image, {
      folder: request.folder,
      url: urls.get(layer),
      dependencies: dependencies.get(normalizeName(image.meta.name)) ?? [],
    });
  });
  packages.sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    requiresPython: undefined,
    environments: [environmentMarker(interpreter)],
    defaultGroups: [],
    packages,
    requested: manifest.requested.map((text) => portableRequirement(text, layers)),
  };
}

function isSeededPip({ image }: Layer, { requested, layers }: Manifest): boolean {
  const isRequested = () => requested.some((text) => requestedName(text, layers) === 'pip');
  return normalizeName(image.name) === 'pip' && !isRequested();
}

function environmentMarker(interpreter: InterpreterRecord): string {
  const names = ['implementation_name', 'python_version', 'sys_platform', 'platform_machine'] as const;
  const environment = markerEnvironment(interpreter);
  return names.map((name) => `${name} == '${environment[name]}'`).join(' and ');
}

function dependencyNames(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  { layers, requested }: Pick<Manifest, 'layers' | 'requested'>,
): Map<string, string[]> {
  const environment = markerEnvironment(interpreter);
  const locked = new Set(layers.map(({ image }) => normalizeName(image.name)));
  const extras = requestedExtras(requested, layers);
  const distributions = spreadExtras(installationsOf(workspace, { layers }, extras), environment);
  return new Map(
    distributions.map((item) => {
      const own = normalizeName(item.name);
      const names = new Set(dependenciesOf(item, environment).map(({ name }) => name));
      return [own, [...names].filter((name) => name !== own && locked.has(name)).sort()];
    }),
  );
}

interface PackagePlace {
  folder: string;
  url: string | undefined;
  dependencies: readonly string[];
}

function lockedPackage(
  { directUrl }: Layer,
  { meta, wheelDigest }: Image,
  place: PackagePlace,
): LockedPackage {
  const direct = directUrl as Download | undefined;
  const wheel = { name: meta.wheelFilename, ...placeIn(place.folder, place.url), sha256: wheelDigest };
  const isBuilt = meta.builtFrom !== undefined && direct === undefined;
  return {
    name: normalizeName(meta.name),
    version: direct?.vcs_info || direct?.dir_info ? undefined : meta.version,
    marker: undefined,
    requiresPython: meta.requiresPython,
    dependencies: place.dependencies,
    wheels: direct || isBuilt ? [] : [wheel],
    sdist: isBuilt ? { ...wheel, name: sdistName(place.url, meta), sha256: meta.builtFrom } : undefined,
    ...directSource(direct, place.folder),
  };
}

function sdistName(url: string | undefined, meta: Image['meta']): string {
  return url?.replace(/[?#].*$/, '').replace(/^.*\//, '') ?? `${meta.name}-${meta.version}.tar.gz`;
}

function directSource(
  direct: Download | undefined,
  folder: string,
): Pick<LockedPackage, 'archive' | 'directory' | 'vcs'> {
  const none = { archive: undefined, directory: undefined, vcs: undefined };
  if (!direct) return none;
  const { subdirectory, url, vcs_info: repository } = direct;
  if (repository) {
    const { vcs: type, commit_id: commitId, requested_revision: requestedRevision } = repository;
    return { ...none, vcs: { type, url, path: undefined, commitId, requestedRevision, subdirectory } };
  }
  const { path } = placeIn(folder, url);
  if (direct.dir_info && path !== undefined)
    return { ...none, directory: { path, editable: direct.dir_info.editable === true, subdirectory } };
  const name = decodeURIComponent(new URL(url).pathname.replace(/^.*\//, ''));
  const file = { name, url: path === undefined ? url : undefined, path, sha256: archiveDigest(direct) };
  return { ...none, archive: { ...file, subdirectory } };
}

/** What is on this machine has a path relative to the lock instead of a URL. */
function placeIn(
  folder: string,
  url: string | undefined,
): { url: string | undefined; path: string | undefined } {
  if (!url?.startsWith('file:')) return { url, path: undefined };
  return { url: undefined, path: relative(folder, fileURLToPath(url)) || '.' };
}

/** Where each wheel is to be had: as noted when it was chosen, else as the index tells now. */
async function findUrls(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  layers: readonly Layer[],
  indexArgs: readonly string[],
): Promise<Map<Layer, string>> {
  const urls = new Map<Layer, string>();
  const unknown: Layer[] = [];
  for (const layer of layers) {
    if (layer.url !== undefined) urls.set(layer, layer.url);
    else if (layer.directUrl === undefined) unknown.push(layer);
  }
  if (unknown.length === 0) return urls;
  const requirements = unknown.map(({ image }) => `${image.name}==${image.version}`);
  const wanted = { ...nothingWanted, requirements, indexArgs, withDependencies: false };
  const pins = await resolveWithPip(workspace, interpreter, wanted);
  const byName = new Map(pins.map((pin) => [normalizeName(pin.name), pin]));
  for (const layer of unknown) {
    const pin: Pin | undefined = byName.get(normalizeName(layer.image.name));
    if (pin === undefined || !givesSame(workspace.outlines.open(layer.image), pin)) throw elsewhere(layer);
    urls.set(layer, pin.download.url);
  }
  return urls;
}

/** Whether what the index has leads to this image; unknown counts as yes. */
function givesSame({ wheelDigest, meta }: Image, { download }: Pin): boolean {
  const digest = archiveDigest(download);
  return digest === undefined || digest === wheelDigest || digest === meta.builtFrom;
}

function elsewhere({ image }: Layer): ShenvError {
  return new ShenvError('RESOLVER_FAILED', `The index has another ${image.name} ${image.version}`, {
    hint: 'Say with --find-links or --index-url where the wheel that is installed can be had.',
  });
}
