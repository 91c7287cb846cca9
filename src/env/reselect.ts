import { ShenvError } from '../base/errors.js';
import type { Layer } from '../manifest/types.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import { markerEnvironment } from '../python/marker-environment.js';
import { normalizeName } from '../wheel/filename.js';
import { obtainBundledPip } from './bundled-pip.js';
import { type NewLayer, toLayer } from './change.js';
import { describeProblem, installationsOf } from './check.js';
import { findProblems } from './consistency.js';
import { type BundledPip, bundledPipOf, mayStay, type Passage } from './passage.js';
import { type Chosen, publicUrl } from './pin.js';
import { choosePinned } from './pinned.js';
import { requirementOf } from './requested.js';
import { requirementLine } from './requirements-file.js';
import { resolveWithPip } from './resolve.js';
import { select } from './select.js';
import { nothingWanted, type Wanted } from './wanted.js';
import type { Workspace } from './workspace.js';

export interface ReselectOptions {
  indexArgs: readonly string[];
  /** Resolves the requirements anew where the versions that are there cannot stay. */
  allowOtherVersions: boolean;
  /** Asks, but fetches nothing. */
  dryRun: boolean;
}

/** A distribution that is shown by another wheel than before. */
export interface WheelChange {
  name: string;
  /** The version before; undefined for one that comes in addition. */
  from: string | undefined;
  /** The version now; undefined for one that goes. */
  to: string | undefined;
}

export interface Reselection {
  /** What the next generation is to hold; with `dryRun` what is known without fetching. */
  layers: NewLayer[];
  wheels: WheelChange[];
}

interface Choice {
  name: string;
  version: string | undefined;
  /** Left out in a dry run. */
  chosen?: Chosen;
}

/**
 * The layers of an environment for another interpreter: wheels that support it stay, others are taken
 * anew in the same version. Throws RESOLVER_FAILED where there is no such wheel or where the other
 * Python needs distributions that are not there, unless other versions are allowed.
 */
export async function reselect(
  workspace: Workspace,
  passage: Passage,
  options: ReselectOptions,
): Promise<Reselection> {
  try {
    assertComplete(workspace, passage);
    return await keepVersions(workspace, passage, options);
  } catch (error) {
    const isAllowed = options.allowOtherVersions && error instanceof ShenvError;
    if (!isAllowed || error.code !== 'RESOLVER_FAILED') throw error;
    return resolveAnew(workspace, passage, options);
  }
}

/** Markers such as `python_version >= "3.12"` may ask for more than there is. */
function assertComplete(workspace: Workspace, { current, from, to }: Passage): void {
  const installed = installationsOf(workspace, current);
  const [before, after] = [from, to].map((interpreter) =>
    findProblems(installed, markerEnvironment(interpreter)).map(describeProblem),
  );
  const broken = after!.filter((problem) => !before!.includes(problem));
  if (broken.length === 0) return;
  throw failed(`With Python ${to.version} requirements are not met: ${broken.join(' ')}`);
}

async function keepVersions(
  workspace: Workspace,
  passage: Passage,
  options: ReselectOptions,
): Promise<Reselection> {
  const { current, to } = passage;
  const pip = bundledPipOf(passage);
  const unfit = current.layers.filter(
    (layer) => layer !== pip?.layer && !mayStay(workspace.outlines.open(layer.image).meta, passage),
  );
  const choices = [
    ...(pip ? [await choosePip(workspace, pip, options)] : []),
    ...(unfit.length > 0 ? await chooseAgain(workspace, to, unfit, options) : []),
  ];
  const byName = new Map(choices.map((choice) => [normalizeName(choice.name), choice.chosen]));
  const layers = current.layers.map((layer) => {
    const chosen = byName.get(normalizeName(layer.image.name));
    return withBytecode(chosen ? replaced(layer, chosen) : layer, to);
  });
  return { layers, wheels: wheelChanges(pip ? [pip.layer, ...unfit] : unfit, choices) };
}

async function choosePip(
  workspace: Workspace,
  pip: BundledPip,
  { dryRun }: ReselectOptions,
): Promise<Choice> {
  const choice = { name: 'pip', version: pip.version };
  return dryRun ? choice : { ...choice, chosen: await obtainBundledPip(workspace, pip.wheel) };
}

async function chooseAgain(
  workspace: Workspace,
  to: InterpreterRecord,
  unfit: readonly Layer[],
  options: ReselectOptions,
): Promise<Choice[]> {
  const texts = unfit.map((layer) =>
    layer.directUrl ? requirementOf(layer) : `${layer.image.name}==${layer.image.version}`,
  );
  // What was built here from source may be built again; of the rest a build would not be the same.
  const fetched = unfit.filter((layer) => !layer.directUrl && !wasBuilt(workspace, layer));
  const names = fetched.map(({ image }) => normalizeName(image.name)).join(',');
  const onlyWheels = names === '' ? [] : ['--only-binary', names];
  const wanted = { ...wantedOf(texts, [...options.indexArgs, ...onlyWheels]), withDependencies: false };
  try {
    return await choose(workspace, to, wanted, options.dryRun);
  } catch (error) {
    if (!(error instanceof ShenvError) || error.code !== 'RESOLVER_FAILED') throw error;
    const titles = unfit.map(({ image }) => `${image.name} ${image.version}`).join(', ');
    const reason = error.message
      .trim()
      .split('\n')
      .at(-1)!
      .replace(/^ERROR: /, '');
    throw failed(`${titles}: needed for Python ${to.version}, and pip says: ${reason}`, error);
  }
}

function wasBuilt({ outlines }: Workspace, { image }: Layer): boolean {
  return outlines.open(image).meta.builtFrom !== undefined;
}

async function choose(
  workspace: Workspace,
  to: InterpreterRecord,
  wanted: Wanted,
  dryRun: boolean,
): Promise<Choice[]> {
  if (!dryRun) {
    const { chosen } = await select(workspace, to, wanted);
    return chosen.map((item) => ({ name: item.image.name, version: item.image.version, chosen: item }));
  }
  const lines = wanted.requirements.map(requirementLine);
  const isNamed = wanted.editables.length === 0 && !wanted.withDependencies;
  const stored = isNamed ? choosePinned(workspace, to, lines, undefined) : undefined;
  if (stored) return stored.map(({ image }) => image);
  return resolveWithPip(workspace, to, wanted);
}

/** By the requirements as the user gave them; what was inherited, and a pip of `create`, is asked for by name. */
async function resolveAnew(
  workspace: Workspace,
  passage: Passage,
  options: ReselectOptions,
): Promise<Reselection> {
  const { current, to } = passage;
  const bundled = bundledPipOf(passage);
  const before = new Map(current.layers.map((layer) => [normalizeName(layer.image.name), layer]));
  const named = current.layers.filter(
    (layer) => layer.from !== undefined || (normalizeName(layer.image.name) === 'pip' && !bundled),
  );
  const texts = [...new Set([...current.requested, ...named.map(requirementOf)])];
  const wanted = wantedOf(texts, options.indexArgs);
  const resolved = texts.length > 0 ? await choose(workspace, to, wanted, options.dryRun) : [];
  const hasPip = resolved.some(({ name }) => normalizeName(name) === 'pip');
  const pip = bundled && !hasPip ? [await choosePip(workspace, bundled, options)] : [];
  const choices = [...pip, ...resolved];
  const fits = (name: string) => {
    const old = before.get(normalizeName(name));
    return old === undefined || mayStay(workspace.outlines.open(old.image).meta, passage);
  };
  const wheels = wheelChanges(current.layers, choices);
  return {
    layers: choices.flatMap(({ chosen }) => (chosen ? layerOf(chosen, before, passage) : [])),
    wheels: wheels.filter((change) => change.from !== change.to || !fits(change.name)),
  };
}

function layerOf(chosen: Chosen, before: ReadonlyMap<string, Layer>, { current, to }: Passage): NewLayer {
  const old = before.get(normalizeName(chosen.image.name));
  if (old) return withBytecode(replaced(old, chosen), to);
  return toLayer(chosen, 'pip', current.options.bytecode ? to.cacheTag : undefined);
}

function wantedOf(texts: readonly string[], indexArgs: readonly string[]): Wanted {
  const editables = texts.filter((text) => text.startsWith('-e ')).map((text) => text.slice(3));
  const requirements = texts.filter((text) => !text.startsWith('-e '));
  return { ...nothingWanted, requirements, editables, indexArgs };
}

/** The layer with another image; why it is there and whom it is inherited from stays. */
function replaced(old: Layer, chosen: Chosen): NewLayer {
  if (old.image.wheelDigest === chosen.image.wheelDigest) return old;
  const { reason, installer, bytecode, directUrl, from } = old;
  return {
    image: chosen.image,
    reason,
    installer,
    ...(bytecode === undefined ? {} : { bytecode }),
    ...(directUrl && chosen.directUrl ? { directUrl } : {}),
    ...(chosen.url === undefined ? {} : { url: publicUrl(chosen.url) }),
    ...(from === undefined ? {} : { from }),
  };
}

function withBytecode<T extends NewLayer>(layer: T, { cacheTag }: InterpreterRecord): T {
  return layer.bytecode === undefined ? layer : { ...layer, bytecode: cacheTag };
}

function wheelChanges(before: readonly Layer[], choices: readonly Choice[]): WheelChange[] {
  const old = new Map(before.map(({ image }) => [normalizeName(image.name), image.version]));
  const changes = choices.map(({ name, version }): WheelChange => {
    const from = old.get(normalizeName(name));
    old.delete(normalizeName(name));
    return { name, from, to: version };
  });
  return [...changes, ...[...old].map(([name, from]): WheelChange => ({ name, from, to: undefined }))];
}

function failed(message: string, cause?: unknown): ShenvError {
  return new ShenvError('RESOLVER_FAILED', message, {
    hint: 'Choose another interpreter, or add --allow-other-versions to resolve the requirements anew.',
    cause,
  });
}
