import { ShenvError } from '../base/errors.js';
import type { ArchiveEntry } from './archive.js';
import { parseScriptEntryPoints, type ScriptEntryPoint } from './entry-points.js';
import { expandTags, isVersion, normalizeName, sameVersion, type WheelFilename } from './filename.js';
import { type CoreMetadata, parseCoreMetadata, parseWheelMetadata } from './metadata.js';
import { parseRecord, type RecordRow } from './record.js';

/** Where a file goes: site-packages, the scripts folder, the prefix, or the distribution's headers. */
export const schemes = ['site', 'bin', 'data', 'include'] as const;
export type Scheme = (typeof schemes)[number];

export interface ExpectedDigest {
  algorithm: 'sha256' | 'sha384' | 'sha512';
  /** URL-safe base64 without padding. */
  value: string;
}

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
    throw refuse(
      'WHEEL_METADATA',
      `the wheel has ${found.size} .dist-info folders`,
      '.dist-info',
      'one',
      [...found].join(', '),
    );
  }
  const stem = distInfo.slice(0, -'.dist-info'.length);
  const dash = stem.lastIndexOf('-');
  if (!agrees(filename, stem.slice(0, dash), stem.slice(dash + 1))) {
    throw refuse(
      'WHEEL_METADATA',
      `${distInfo} is not this wheel's`,
      distInfo,
      `${filename.distribution}-${filename.version}`,
      stem,
    );
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
): WheelPlan {
  const metadataPath = `${distInfo}/METADATA`;
  // 1.a, 1.b: parse WHEEL, check its version.
  const wheel = parseWheelMetadata(texts.wheel, `${distInfo}/WHEEL`);
  const metadata = parseCoreMetadata(texts.metadata, metadataPath);
  if (!isVersion(metadata.version) || !agrees(filename, metadata.name, metadata.version)) {
    const named = `${filename.distribution} ${filename.version}`;
    throw refuse(
      'WHEEL_METADATA',
      `${metadataPath} is of ${metadata.name} ${metadata.version}`,
      metadataPath,
      named,
      metadata.name,
    );
  }
  const entryPoints = parseScriptEntryPoints(texts.entryPoints, `${distInfo}/entry_points.txt`);
  const expected = matchRecord(distInfo, entries, parseRecord(texts.record, `${distInfo}/RECORD`));
  // 1.c, 2.a, 2.b: purelib and platlib are one folder here; `.data` is spread.
  const wrappers = new Set(entryPoints.map(({ name }) => name));
  const files: PlannedFile[] = [];
  for (const entry of entries) {
    const { scheme, path, script } = installPlace(entry.path);
    if (script && isWrapper(path, wrappers)) continue;
    const { sizeBytes, mtimeNs } = entry;
    const executable = entry.executable || script;
    files.push({
      source: entry.path,
      scheme,
      path,
      sizeBytes,
      executable,
      mtimeNs,
      expected: expected.get(entry.path),
      script,
    });
  }
  return {
    metadata,
    tags: expandTags(filename),
    rootIsPurelib: wheel.rootIsPurelib,
    entryPoints,
    distInfo,
    files,
  };
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
    throw refuse(
      'WHEEL_ENTRY',
      `'${path}' is under no install scheme`,
      path,
      Object.keys(dataSchemes).join(', '),
      key,
    );
  }
  return { scheme, path: rest.join('/'), script: key === 'scripts' };
}

/** A wrapper that old setuptools packed for an entry point; the installer writes its own. */
function isWrapper(path: string, entryPointNames: ReadonlySet<string>): boolean {
  return entryPointNames.has(path.replace(/(?:\.exe|-script\.pyw?|\.pya)$/i, ''));
}

const unhashed = ['RECORD', 'RECORD.jws', 'RECORD.p7s'];

function matchRecord(
  distInfo: string,
  entries: readonly ArchiveEntry[],
  rows: readonly RecordRow[],
): Map<string, ExpectedDigest> {
  const recordPath = `${distInfo}/RECORD`;
  const exempt = new Set(unhashed.map((name) => `${distInfo}/${name}`));
  const byPath = new Map(entries.map((entry) => [entry.path as string, entry]));
  const expected = new Map<string, ExpectedDigest>();
  for (const row of rows) {
    const entry = byPath.get(row.path);
    if (!entry)
      throw refuse('WHEEL_RECORD', `${recordPath} lists '${row.path}', which the wheel lacks`, row.path);
    if (exempt.has(row.path)) continue;
    if (row.size !== '' && row.size !== String(entry.sizeBytes)) {
      throw refuse(
        'WHEEL_RECORD',
        `${recordPath}: size of '${row.path}'`,
        row.path,
        row.size,
        String(entry.sizeBytes),
      );
    }
    const digest = parseHash(row, recordPath);
    const earlier = expected.get(row.path);
    if (earlier && (earlier.algorithm !== digest.algorithm || earlier.value !== digest.value)) {
      throw refuse('WHEEL_RECORD', `${recordPath} lists '${row.path}' twice and differently`, row.path);
    }
    expected.set(row.path, digest);
  }
  for (const { path } of entries) {
    if (!exempt.has(path) && !expected.has(path)) {
      throw refuse('WHEEL_RECORD', `${recordPath} does not list '${path}'`, path);
    }
  }
  return expected;
}

function parseHash(row: RecordRow, recordPath: string): ExpectedDigest {
  const match = /^(sha256|sha384|sha512)=([A-Za-z0-9_-]+)=*$/.exec(row.hash);
  if (!match) {
    throw refuse(
      'WHEEL_RECORD',
      `${recordPath} gives no usable hash of '${row.path}'`,
      row.path,
      'sha256 or better',
      row.hash,
    );
  }
  return { algorithm: match[1] as ExpectedDigest['algorithm'], value: match[2]! };
}

function refuse(
  code: 'WHEEL_METADATA' | 'WHEEL_RECORD' | 'WHEEL_ENTRY',
  rule: string,
  path: string,
  expected?: string,
  found?: string,
): ShenvError {
  const comparison = expected === undefined ? '' : ` (expected ${expected}, found ${found || 'none'})`;
  return new ShenvError(code, `${rule}${comparison}`, {
    hint: 'The wheel is refused; ask its publisher for a mended one.',
    path,
    ...(expected === undefined ? {} : { expected, found: found ?? '' }),
  });
}
