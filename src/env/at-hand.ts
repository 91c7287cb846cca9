import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sha256OfFile } from '../base/digest.js';
import { ShenvError } from '../base/errors.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import { markerEnvironment } from '../python/marker-environment.js';
import { WheelArchive } from '../wheel/archive.js';
import { normalizeName, parseWheelFilename, sameVersion } from '../wheel/filename.js';
import type { MarkerEnvironment } from '../wheel/marker.js';
import { type CoreMetadata, parseCoreMetadata } from '../wheel/metadata.js';
import { findDistInfo } from '../wheel/plan.js';
import { parseRequirement, type Requirement, requirementApplies } from '../wheel/requirement.js';
import { satisfies } from '../wheel/version.js';
import type { NewLayer } from './change.js';
import { installationsOf } from './check.js';
import { dependenciesOf, findProblems, type Installation, spreadExtras } from './consistency.js';
import type { Pin } from './pin.js';
import { isPipTold } from './pip-configuration.js';
import { type RequirementLine, requirementText } from './requirements-file.js';
import type { Wanted } from './wanted.js';
import { bestWheel, listSources, unclear } from './wheel-folders.js';
import type { Workspace } from './workspace.js';

/** A requirement by name, or a wheel's absolute path. */
type Asked = Requirement | string;

interface Found {
  pin: Pin;
  metadata: CoreMetadata;
}

/**
 * What pip would choose, without pip, where that follows from files of this machine: wheels asked for by path, and names
 * that only folders may supply (`--no-index --find-links FOLDER`), when together with `beside`, what is
 * installed, they need nothing else. Undefined where anything about it is not so simple, also where pip's configuration
 * has a say, and where pip would report an error.
 */
export async function chooseAtHand(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  { wanted, lines }: { wanted: Wanted; lines: readonly RequirementLine[] },
  beside: readonly NewLayer[],
): Promise<Pin[] | undefined> {
  const environment = markerEnvironment(interpreter);
  const asked = readLines(lines, environment);
  if (!asked || wanted.allowsPrereleases) return undefined;
  const hasNames = asked.some((item) => typeof item !== 'string');
  const sources = hasNames ? await listSources(wanted.indexArgs) : [];
  const irrelevant = hasNames ? [] : ['find-links', 'no-index', 'pre', 'prefer-binary'];
  if (sources === unclear || (await isPipTold(interpreter.baseExecutable, irrelevant))) return undefined;
  const installed = installationsOf(workspace, { layers: beside });
  const found: Found[] = [];
  const kept = new Map<string, readonly string[]>();
  const names = new Set<string>();
  for (const item of asked) {
    const there = typeof item === 'string' ? undefined : installed.find(isNamed(item.name));
    if (there && satisfies(there.version, (item as Requirement).specifier)) {
      // Asked for twice, maybe with other extras each time.
      if (!isNew(there.name, names)) return undefined;
      kept.set(normalizeName(there.name), (item as Requirement).extras);
      continue;
    }
    const path = typeof item === 'string' ? item : bestWheel(sources, item, interpreter.tags);
    const one = path === unclear ? undefined : await readFound(path, item, interpreter);
    if (!one || !isNew(one.pin.name, names) || hasSame(one, installed)) return undefined;
    found.push(one);
  }
  const others = installed
    .filter(({ name }) => !found.some(({ pin }) => isNamed(name)(pin)))
    .map((item) => ({ ...item, extras: kept.get(normalizeName(item.name)) ?? [] }));
  if (wanted.withDependencies && !areComplete(found, others, environment)) return undefined;
  return found.map(({ pin }) => pin);
}

/** Undefined when a line is neither a name nor the path of a wheel, or has options. */
function readLines(lines: readonly RequirementLine[], environment: MarkerEnvironment): Asked[] | undefined {
  const asked: Asked[] = [];
  for (const line of lines) {
    if (line.editable || line.isOpaque || line.sha256.length > 0) return undefined;
    const text = requirementText(line);
    if (/^\/.*\.whl$/.test(text)) {
      asked.push(text);
      continue;
    }
    const requirement = tryParse(text);
    if (!requirement || requirement.url !== undefined) return undefined;
    if (requirementApplies(requirement, environment)) asked.push(requirement);
  }
  return asked;
}

function tryParse(text: string): Requirement | undefined {
  try {
    return parseRequirement(text);
  } catch (error) {
    if (!(error instanceof ShenvError)) throw error;
    return undefined;
  }
}

/** Undefined for a wheel that does not fit, or is none: pip says so in its own words. */
async function readFound(
  path: string,
  asked: Asked,
  interpreter: InterpreterRecord,
): Promise<Found | undefined> {
  try {
    const metadata = await readMetadata(path);
    const fits = bestWheel([path], { name: metadata.name, specifier: '' }, interpreter.tags) === path;
    const { name, version, requiresPython = '' } = metadata;
    if (!fits || !satisfies(interpreter.version, requiresPython)) return undefined;
    const sha256 = await sha256OfFile(path);
    const archive_info = { hash: `sha256=${sha256}`, hashes: { sha256 } };
    const download = { url: pathToFileURL(path).href, archive_info };
    const isDirect = typeof asked === 'string';
    const extras = isDirect ? [] : asked.extras;
    return { metadata, pin: { name, version, download, isDirect, requested: true, extras } };
  } catch (error) {
    if (error instanceof ShenvError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Throws WHEEL_NAME, WHEEL_ARCHIVE, WHEEL_METADATA. */
async function readMetadata(path: string): Promise<CoreMetadata> {
  const filename = parseWheelFilename(basename(path));
  const archive = await WheelArchive.open(path);
  try {
    const member = `${findDistInfo(archive.entries, filename)}/METADATA`;
    const metadata = parseCoreMetadata(await archive.readText(member), path);
    if (sameVersion(metadata.version, filename.version.replaceAll('_', '-'))) return metadata;
    throw new ShenvError('WHEEL_METADATA', `${path} is of version ${metadata.version}`);
  } finally {
    await archive.close();
  }
}

function isNamed(name: string): (item: { name: string }) => boolean {
  return (item) => normalizeName(item.name) === normalizeName(name);
}

/** Takes the name among `names`; false where it is there already. */
function isNew(name: string, names: Set<string>): boolean {
  const before = names.size;
  return names.add(normalizeName(name)).size > before;
}

/** pip leaves a version that is there, or installs it anew; that is its own to decide. */
function hasSame({ pin }: Found, installed: readonly Installation[]): boolean {
  return installed.some((item) => isNamed(pin.name)(item) && sameVersion(item.version, pin.version!));
}

/** Whether all requirements are met; one by URL is not, whatever is there. */
function areComplete(
  found: readonly Found[],
  others: readonly Installation[],
  environment: MarkerEnvironment,
): boolean {
  const added = found.map(({ metadata, pin }) => ({ ...metadata, extras: pin.extras }));
  const all = spreadExtras<Installation>([...added, ...others], environment);
  const isByUrl = (item: Installation) =>
    dependenciesOf(item, environment).some(({ requirement }) => requirement.url !== undefined);
  return !all.some(isByUrl) && findProblems(all, environment).length === 0;
}
