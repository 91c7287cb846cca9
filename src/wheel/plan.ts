import type { ArchiveEntry } from './archive.js';
import { parseScriptEntryPoints, type ScriptEntryPoint } from './entry-points.js';
import { expandTags, normalizeName, sameVersion, type WheelFilename } from './filename.js';
import { defaultLimits, type WheelLimits } from './limits.js';
import { type CoreMetadata, parseCoreMetadata, parseWheelMetadata } from './metadata.js';
import { checkCoreMetadata, checkWheelMetadata } from './metadata-rules.js';
import { checkPlaces } from './place-rules.js';
import { parseRecord } from './record.js';
import { type ExpectedDigest, matchRecord } from './record-rules.js';
import { refuseWheel } from './refusal.js';

/** Where a file goes: site-packages, the scripts folder, the prefix, or the distribution's headers. */
export const schemes = ['site', 'bin', 'data', 'include'] as const;
export type Scheme = (typeof schemes)[number];

export interface PlannedFile {
  /** The member of the archive. */
  source: string;
  scheme: Scheme;
  /** Below the scheme's folder. */
  path: string;
  sizeBytes: number;
  executable: boolean;
  mtimeNs: bigint;
  /** What RECORD says of it; undefined only for RECORD itself and its signatures. */
  expected: ExpectedDigest | undefined;
  /** From `.data/scripts`: a first line `#!python` is the installer's to rewrite. */
  script: boolean;
}

export interface WheelPlan {
  metadata: CoreMetadata;
  tags: string[];
  rootIsPurelib: boolean;
  entryPoints: ScriptEntryPoint[];
  /** Name of the `.dist-info` folder. */
  distInfo: string;
  files: PlannedFile[];
  /** Wrappers that the installer writes by itself; they too must be what RECORD says. */
  leftOut: PlannedFile[];
}

/** What the plan is made from; texts are the members' contents. */
export interface WheelTexts {
  wheel: string;
  metadata: string;
  record: string;
  entryPoints: string;
}

/** The one top-level `.dist-info` folder. Throws WHEEL_METADATA when there is none or another's. */
export function findDistInfo(entries: readonly ArchiveEntry[], filename: WheelFilename): string {
  const found = new Set<string>();
  for (const { path } of entries) {
    const top = path.slice(0, Math.max(path.indexOf('/'), 0));
    if (top.endsWith('.dist-info')) found.add(top);
  }
  const [distInfo, another] = found;
  if (distInfo === undefined || another !== undefined) {
    const { distribution, version } = filename;
    const rule = `the wheel of ${distribution} ${version} has ${found.size} .dist-info folders`;
    throw refuseWheel('WHEEL_METADATA', rule, '.dist-info', {
      expected: 'one',
      found: [...found].join(', '),
    });
  }
  const stem = distInfo.slice(0, -'.dist-info'.length);
  const dash = stem.lastIndexOf('-');
  if (!agrees(filename, stem.slice(0, dash), stem.slice(dash + 1))) {
    throw refuseWheel('WHEEL_METADATA', `${distInfo} is not this wheel's`, distInfo, {
      expected: `${filename.distribution}-${filename.version}`,
      found: stem,
    });
  }
  return distInfo;
}

/**
 * Decides where every file of a wheel goes (binary distribution format, "Installing a wheel").
 * Pure. Throws WHEEL_METADATA, WHEEL_RECORD, WHEEL_ENTRY or WHEEL_ENTRY_POINT, naming file and rule.
 */
export function planWheel(
  filename: WheelFilename,
  distInfo: string,
  entries: readonly ArchiveEntry[],
  texts: WheelTexts,
  limits: WheelLimits = defaultLimits,
): WheelPlan {
  const metadataPath = `${distInfo}/METADATA`;
  // 1.a, 1.b: parse WHEEL, check its version.
  checkWheelMetadata(texts.wheel, `${distInfo}/WHEEL`, limits);
  const wheel = parseWheelMetadata(texts.wheel, `${distInfo}/WHEEL`);
  checkCoreMetadata(texts.metadata, metadataPath, limits);
  const metadata = parseCoreMetadata(texts.metadata, metadataPath);
  if (!agrees(filename, metadata.name, metadata.version)) {
    const rule = `${metadataPath} is of ${metadata.name} ${metadata.version}`;
    throw refuseWheel('WHEEL_METADATA', rule, metadataPath, {
      expected: `${filename.distribution} ${filename.version}`,
      found: metadata.name,
    });
  }
  const entryPoints = parseScriptEntryPoints(texts.entryPoints, `${distInfo}/entry_points.txt`, limits);
  const expected = matchRecord(distInfo, entries, parseRecord(texts.record, `${distInfo}/RECORD`));
  // 1.c, 2.a, 2.b: purelib and platlib are one folder here; `.data` is spread.
  const wrappers = new Set(entryPoints.map(({ name }) => name));
  const files: PlannedFile[] = [];
  const leftOut: PlannedFile[] = [];
  for (const entry of entries) {
    const place = installPlace(entry.path);
    const isLeftOut = place.script && isWrapper(place.path, wrappers);
    (isLeftOut ? leftOut : files).push({
      ...place,
      source: entry.path,
      sizeBytes: entry.sizeBytes,
      executable: entry.executable || place.script,
      mtimeNs: entry.mtimeNs,
      expected: expected.get(entry.path),
    });
  }
  checkDataFolders(filename, entries);
  checkPlaces(distInfo, files, entryPoints, limits);
  return {
    metadata,
    tags: expandTags(filename),
    rootIsPurelib: wheel.rootIsPurelib,
    entryPoints,
    distInfo,
    files,
    leftOut,
  };
}

/** Every `.data` folder is the wheel's own. */
function checkDataFolders(filename: WheelFilename, entries: readonly ArchiveEntry[]): void {
  const seen = new Set<string>();
  for (const { path } of entries) {
    const top = path.slice(0, Math.max(path.indexOf('/'), 0));
    if (!top.endsWith('.data') || seen.has(top)) continue;
    seen.add(top);
    const stem = top.slice(0, -'.data'.length);
    const dash = stem.lastIndexOf('-');
    if (agrees(filename, stem.slice(0, dash), stem.slice(dash + 1))) continue;
    throw refuseWheel('WHEEL_ENTRY', `'${path}' is in the .data folder of another distribution`, path, {
      expected: `${filename.distribution}-${filename.version}.data`,
      found: top,
    });
  }
}

function agrees(filename: WheelFilename, name: string, version: string): boolean {
  return (
    normalizeName(filename.distribution) === normalizeName(name) &&
    sameVersion(filename.version.replaceAll('_', '-'), version.replaceAll('_', '-'))
  );
}

const dataSchemes: Readonly<Record<string, Scheme>> = {
  purelib: 'site',
  platlib: 'site',
  scripts: 'bin',
  data: 'data',
  headers: 'include',
};

/** Where a member of a wheel goes: `.data/<key>/` is spread, everything else is site-packages'. */
export function installPlace(path: string): { scheme: Scheme; path: string; script: boolean } {
  const [top = '', key = '', ...rest] = path.split('/');
  if (!top.endsWith('.data') || key === '') return { scheme: 'site', path, script: false };
  const scheme = Object.hasOwn(dataSchemes, key) ? dataSchemes[key] : undefined;
  if (scheme === undefined || rest.length === 0) {
    throw refuseWheel('WHEEL_ENTRY', `'${path}' is under no install scheme`, path, {
      expected: Object.keys(dataSchemes).join(', '),
      found: key,
    });
  }
  return { scheme, path: rest.join('/'), script: key === 'scripts' };
}

/** A wrapper that old setuptools packed for an entry point; the installer writes its own. */
function isWrapper(path: string, entryPointNames: ReadonlySet<string>): boolean {
  return entryPointNames.has(path.replace(/(?:\.exe|-script\.pyw?|\.pya)$/i, ''));
}
