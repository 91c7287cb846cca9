import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { sha256 } from '../base/digest.js';
import { type Manifest, manifestVersion } from '../manifest/types.js';
import { findInterpreter, type InterpreterRecord } from '../python/interpreter-record.js';
import type { Clash } from '../view/tree.js';
import { normalizeName, parseWheelFilename } from '../wheel/filename.js';
import { assignSlots, nowMs, toLayer, tryGeneration } from './change.js';
import { referenceTo } from './obtain.js';
import type { Chosen } from './pin.js';
import { type Selection, select } from './select.js';
import { asksForNothing, type Wanted } from './wanted.js';
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
}

export interface CreateResult {
  manifest: Manifest;
  interpreter: InterpreterRecord;
  clashes: readonly Clash[];
  /** How many images the store did not have before. */
  imagesAdded: number;
}

/** Slot 0 is the skeleton's. */
const firstSlot = 1;

/**
 * Makes a new environment: chooses, fills the store, composes once to find conflicts, and publishes
 * the manifest in one step; until then nothing of it is to be seen.
 */
export async function createEnvironment(workspace: Workspace, request: CreateRequest): Promise<CreateResult> {
  const { environments } = workspace;
  const { wanted, systemSitePackages, bytecode } = request;
  await environments.assertFree(request.name);
  const { key, record: interpreter } = await findInterpreter(environments.interpreters, request.python);
  const { chosen, installer, requested } = asksForNothing(wanted)
    ? nothing
    : await select(workspace, interpreter, wanted);
  const cacheTag = bytecode ? interpreter.cacheTag : undefined;
  const pip = request.withPip && !chosen.some(isPip) ? await chooseBundledPip(workspace, interpreter) : [];
  const wantedLayers = [
    ...pip.map((item) => toLayer(item, 'pip', cacheTag)),
    ...chosen.map((item) => toLayer(item, installer, cacheTag)),
  ];
  const manifest: Manifest = {
    version: manifestVersion,
    name: request.name,
    serial: await environments.claimSerial(),
    generation: 1,
    createdMs: nowMs(),
    interpreter: key,
    ...assignSlots([], wantedLayers, firstSlot),
    parents: [],
    options: { systemSitePackages, bytecode },
    requested,
  };
  const { clashes } = await tryGeneration(workspace, interpreter, manifest);
  await environments.create(manifest);
  const imagesAdded = [...pip, ...chosen].filter(({ added }) => added).length;
  return { manifest, interpreter, clashes, imagesAdded };
}

const nothing: Selection = { chosen: [], installer: 'pip', requested: [] };

function isPip({ image }: Chosen): boolean {
  return normalizeName(image.name) === 'pip';
}

/** The pip that ensurepip carries. */
async function chooseBundledPip(
  { store, outlines }: Workspace,
  { ensurepipWheel }: InterpreterRecord,
): Promise<Chosen[]> {
  if (ensurepipWheel === null) return [];
  const { distribution: name, version } = parseWheelFilename(basename(ensurepipWheel));
  const known = outlines.find({ name, version, wheelDigest: sha256(await readFile(ensurepipWheel)) });
  if (known) return [{ image: referenceTo(known), requested: true, extras: [], added: false }];
  const { putWheel } = await import('../store/put.js');
  const { image, added } = await putWheel(store, ensurepipWheel);
  return [{ image: referenceTo(image), requested: true, extras: [], added }];
}
