import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { syncFolder } from '../base/atomic-write.js';
import type { Digest } from '../base/brands.js';
import { ShenvError, unless } from '../base/errors.js';
import { type Manifest, manifestVersion, type Parent } from '../manifest/types.js';
import {
  findInterpreter,
  type InterpreterRecord,
  type KnownInterpreter,
  readInterpreter,
} from '../python/interpreter-record.js';
import type { Clash } from '../view/tree.js';
import { normalizeName } from '../wheel/filename.js';
import { assignSlots, firstSlot, type NewLayer, nowMs, toLayer } from './change.js';
import { inheritLayers, readParents } from './inherit.js';
import { parseReference } from './name.js';
import type { Chosen } from './pin.js';
import { type Plan, planKey, recallPlan, rememberPlan } from './plan-cache.js';
import type { Selection } from './select.js';
import { asksForNothing, lockOf, type Wanted } from './wanted.js';
import type { Workspace } from './workspace.js';

export interface CreateRequest {
  name: string;
  /** Version, path or program name of the interpreter; what is first on PATH when left out. */
  python?: string;
  wanted: Wanted;
  /** Adds the pip that the interpreter's ensurepip carries, as `python -m venv` does. */
  withPip: boolean;
  systemSitePackages: boolean;
  /** Shows bytecode, compiled once for each wheel and cache tag. */
  bytecode: boolean;
  /** Environments to inherit, `NAME` or `NAME@GENERATION`; the last one lies on top. */
  parents: readonly string[];
  /** With an upper layer: docs/writable.md. */
  isWritable?: boolean;
}

export interface CreateResult {
  manifest: Manifest;
  interpreter: InterpreterRecord;
  clashes: readonly Clash[];
  /** How many images the store did not have before. */
  imagesAdded: number;
}

/**
 * Makes a new environment: chooses, fills the store, composes once to find conflicts, and publishes
 * the manifest in one step; until then nothing of it is to be seen.
 */
export async function createEnvironment(workspace: Workspace, request: CreateRequest): Promise<CreateResult> {
  const { environments } = workspace;
  await environments.assertFree(request.name);
  const inherited = await readParents(workspace, request.parents.map(toParent));
  const { key, record: interpreter } = await chooseInterpreter(workspace, request);
  const planned = inherited.length === 0 ? await findPlan(workspace, request, key) : undefined;
  if (planned?.plan) {
    const manifest = await newManifest(workspace, request, {
      ...planned.plan,
      interpreter: key,
      parents: [],
    });
    await publishNew(workspace, request, manifest);
    return { manifest, interpreter, clashes: planned.plan.clashes, imagesAdded: 0 };
  }
  const below = inheritLayers(inherited, []);
  const { own, requested, imagesAdded, isRepeatable } = await chooseLayers(
    workspace,
    request,
    interpreter,
    below,
  );
  const layers = inheritLayers(inherited, own);
  const parents = inherited.map(({ parent }) => parent);
  const manifest = await newManifest(workspace, request, { layers, requested, interpreter: key, parents });
  const { tryGeneration } = await import('./try-generation.js');
  const { view, clashes } = await tryGeneration(workspace, interpreter, manifest);
  await publishNew(workspace, request, manifest);
  if (planned && isRepeatable)
    await rememberPlan(workspace, planned.key, { layers, requested, clashes }, view.layers);
  return { manifest, interpreter, clashes, imagesAdded };
}

async function publishNew(
  { environments }: Workspace,
  { isWritable }: CreateRequest,
  manifest: Manifest,
): Promise<void> {
  if (!isWritable) return environments.create(manifest);
  const { stageUpper } = await import('./upper-folder.js');
  await environments.createWith(async (staged) => syncFolder((await stageUpper(staged)).path), manifest);
}

/** `web` is followed, `web@3` stays. */
function toParent(reference: string): Parent {
  const { name, generation } = parseReference(reference);
  return { name, ...(generation === undefined ? {} : { generation }), seen: 0, omit: [] };
}

/** The one that is asked for, else that of what is inherited. Throws INTERPRETER_UNUSABLE where they do not fit. */
async function chooseInterpreter(
  { environments }: Workspace,
  { python, parents }: CreateRequest,
): Promise<KnownInterpreter> {
  const known: KnownInterpreter[] = [];
  for (const parent of parents) {
    const { name, generation } = parseReference(parent);
    const key = (await environments.read(name, generation)).interpreter;
    known.push({ key, record: await readInterpreter(environments.interpreters, key) });
  }
  const [first, ...rest] = known;
  const wanted =
    first && python === undefined ? first : await findInterpreter(environments.interpreters, python);
  const other = [...(first ? [first] : []), ...rest].find(
    ({ record }) => record.cacheTag !== wanted.record.cacheTag,
  );
  if (!other) return wanted;
  const versions = `Python ${wanted.record.version}, and what it inherits is of ${other.record.version}`;
  throw new ShenvError('INTERPRETER_UNUSABLE', `The environment would be of ${versions}`, {
    hint: 'Inherit environments of one minor version, and choose it with --python.',
  });
}

/** Where the plan of a lock or of pinned requirements is kept, and the plan if there is one. */
async function findPlan(
  workspace: Workspace,
  { wanted, bytecode, withPip }: CreateRequest,
  interpreter: Digest,
): Promise<{ key: Digest; plan: Plan | undefined } | undefined> {
  const path = lockOf(wanted);
  const text = path === undefined ? await pinnedOf(wanted) : await unless('ENOENT', readFile(path, 'utf8'));
  if (text === undefined) return undefined;
  // Paths in a lock are relative to it.
  const folder = path !== undefined && /\bpath\s*=/.test(text) ? dirname(resolve(path)) : '';
  const key = planKey({ text, folder, interpreter, bytecode, withPip });
  return { key, plan: await recallPlan(workspace, key) };
}

/** Of what is wanted without a lock. */
async function pinnedOf(wanted: Wanted): Promise<string | undefined> {
  if (asksForNothing(wanted)) return undefined;
  return (await import('./pinned-request.js')).pinnedText(wanted);
}

async function chooseLayers(
  workspace: Workspace,
  { wanted, bytecode, withPip, systemSitePackages }: CreateRequest,
  interpreter: InterpreterRecord,
  below: readonly NewLayer[],
): Promise<{ own: NewLayer[]; imagesAdded: number } & Pick<Selection, 'requested' | 'isRepeatable'>> {
  const installed = { layers: below, systemSitePackages, upgrade: undefined };
  const { chosen, installer, requested, isRepeatable } = asksForNothing(wanted)
    ? nothing
    : await (await import('./select.js')).select(
        workspace,
        interpreter,
        wanted,
        below.length > 0 ? installed : undefined,
      );
  const cacheTag = bytecode ? interpreter.cacheTag : undefined;
  const pip = withPip && ![...chosen, ...below].some(isPip) ? await bundledPip(workspace, interpreter) : [];
  const own = [
    ...pip.map((item) => toLayer(item, 'pip', cacheTag)),
    ...chosen.map((item) => toLayer(item, installer, cacheTag)),
  ];
  const imagesAdded = [...pip, ...chosen].filter(({ added }) => added).length;
  return { own, requested, imagesAdded, isRepeatable };
}

/** What of a manifest depends on more than the request. */
interface NewContent extends Pick<Plan, 'layers' | 'requested'> {
  interpreter: Digest;
  parents: readonly Parent[];
}

async function newManifest(
  { environments }: Workspace,
  { name, systemSitePackages, bytecode }: CreateRequest,
  { layers, requested, interpreter, parents }: NewContent,
): Promise<Manifest> {
  return {
    version: manifestVersion,
    name,
    serial: await environments.claimSerial(),
    generation: 1,
    change: { atMs: Date.now(), what: 'create' },
    createdMs: nowMs(),
    interpreter,
    ...assignSlots([], layers, firstSlot),
    parents: [...parents],
    options: { systemSitePackages, bytecode, held: [] },
    requested: [...requested],
  };
}

const nothing: Selection = { chosen: [], installer: 'pip', requested: [], isRepeatable: false };

function isPip({ image }: Pick<Chosen, 'image'>): boolean {
  return normalizeName(image.name) === 'pip';
}

/** The pip that ensurepip carries, where there is one. */
async function bundledPip(workspace: Workspace, { ensurepipWheel }: InterpreterRecord): Promise<Chosen[]> {
  if (ensurepipWheel === null) return [];
  const { obtainBundledPip } = await import('./bundled-pip.js');
  return [await obtainBundledPip(workspace, ensurepipWheel)];
}
