import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, posix, relative } from 'node:path';
import { type Digest, toDigest } from '../../base/brands.js';
import { unless } from '../../base/errors.js';
import type { DirectUrl } from '../../manifest/types.js';
import { parseScriptEntryPoints } from '../../wheel/entry-points.js';
import { type CoreMetadata, parseCoreMetadata, parseHeaders } from '../../wheel/metadata.js';
import { parseRecord, type RecordRow, recordHash } from '../../wheel/record.js';
import { forEachParallel } from './pool.js';
import { interpreterLineOf } from './scripts.js';
import type { Venv } from './venv.js';

/** A file of a venv as it is on disk. */
export interface FoundFile {
  digest: Digest;
  /** Of a script that starts with the venv's own interpreter: the rest, as images hold it. */
  bodyDigest?: Digest;
  /** Bytes of the first line, or lines, that do so. */
  lineBytes?: number;
  /** What RECORD says, where that is something else. */
  recorded?: Digest;
}

/** One distribution that was found in a venv; paths are relative to the venv's root. */
export interface Installed {
  metadata: CoreMetadata;
  /** Name of the `.dist-info` folder. */
  distInfo: string;
  /** Wheel tags as its WHEEL gives them. */
  tags: string[];
  /** What RECORD names, without what an installer adds and bytecode. */
  files: Map<string, FoundFile>;
  /** What RECORD names and is not there. */
  missing: string[];
  /** What an installer wrote for it: nobody's loose files. */
  generated: string[];
  installer: string;
  requested: boolean;
  directUrl: DirectUrl | undefined;
}

const added = ['INSTALLER', 'REQUESTED', 'direct_url.json', 'RECORD', 'RECORD.jws', 'RECORD.p7s'];
const width = 8;

/** Every distribution of a venv that has METADATA, WHEEL and RECORD, by the names of their folders. Changes nothing. */
export async function surveyVenv(venv: Venv): Promise<Installed[]> {
  const site = join(venv.root, venv.sitePackages);
  const names = ((await unless('ENOENT', readdir(site))) ?? []).filter((name) => name.endsWith('.dist-info'));
  const found: Installed[] = [];
  for (const name of names.sort()) {
    const distribution = await surveyDistribution(venv, name);
    if (distribution) found.push(distribution);
  }
  return found;
}

/** One distribution; undefined without METADATA, WHEEL or RECORD. Throws for metadata that cannot be parsed. */
export async function surveyDistribution(venv: Venv, distInfo: string): Promise<Installed | undefined> {
  const folder = join(venv.root, venv.sitePackages, distInfo);
  const text = (name: string) => unless('ENOENT', readFile(join(folder, name), 'utf8'));
  const [metadata, wheel, record] = [await text('METADATA'), await text('WHEEL'), await text('RECORD')];
  if (metadata === undefined || wheel === undefined || record === undefined) return undefined;
  const scripts = parseScriptEntryPoints(
    (await text('entry_points.txt')) ?? '',
    `${distInfo}/entry_points.txt`,
  );
  const directUrl = await text('direct_url.json');
  const installed: Installed = {
    metadata: parseCoreMetadata(metadata, `${distInfo}/METADATA`),
    distInfo,
    tags: [...(parseHeaders(wheel).get('tag') ?? [])],
    files: new Map(),
    missing: [],
    generated: added.map((name) => `${venv.sitePackages}/${distInfo}/${name}`),
    installer: (await text('INSTALLER'))?.trim() || 'pip',
    requested: (await text('REQUESTED')) !== undefined,
    directUrl: directUrl === undefined ? undefined : parseDirectUrl(directUrl),
  };
  await readFiles(venv, installed, parseRecord(record, join(folder, 'RECORD')), wrappersOf(scripts));
  return installed;
}

/** Names in `bin` that installers write for entry points; pip gives its own some more. */
function wrappersOf(scripts: readonly { name: string }[]): (path: string) => boolean {
  const names = new Set(scripts.map(({ name }) => name));
  return (path) => {
    if (!path.startsWith('bin/')) return false;
    const name = path.slice(4);
    return names.has(name) || (names.has('pip') && /^pip3(\.\d+)?$/.test(name));
  };
}

async function readFiles(
  venv: Venv,
  installed: Installed,
  rows: readonly RecordRow[],
  isWrapper: (path: string) => boolean,
): Promise<void> {
  const rowsByPath = new Map<string, RecordRow>();
  for (const row of rows) {
    const path = placeOf(venv, row.path);
    if (path === undefined || isBytecode(path) || installed.generated.includes(path)) continue;
    if (isWrapper(path)) installed.generated.push(path);
    else rowsByPath.set(path, row);
  }
  const found = new Map<string, FoundFile | undefined>();
  await forEachParallel([...rowsByPath], width, async ([path, row]) => {
    found.set(path, await readFound(venv, path, row));
  });
  // In the order of RECORD, not in that of reading.
  for (const path of rowsByPath.keys()) {
    const file = found.get(path);
    if (file) installed.files.set(path, file);
    else installed.missing.push(path);
  }
}

async function readFound(venv: Venv, path: string, row: RecordRow): Promise<FoundFile | undefined> {
  const full = join(venv.root, path);
  const info = await unless('ENOENT', stat(full));
  if (!info?.isFile()) return undefined;
  const line = path.startsWith('bin/') ? await interpreterLineOf(venv, full) : undefined;
  const [digest, bodyDigest] = [
    await digestFrom(full, 0),
    line === undefined ? undefined : await digestFrom(full, line.length),
  ];
  const isModified =
    row.hash.startsWith('sha256=') && recordHash(Buffer.from(digest, 'hex')) !== unpadded(row.hash);
  return {
    digest,
    ...(line === undefined || bodyDigest === undefined ? {} : { bodyDigest, lineBytes: line.length }),
    ...(isModified ? { recorded: recordedDigest(row.hash) } : {}),
  };
}

function unpadded(hash: string): string {
  return hash.replace(/=+$/, '');
}

function recordedDigest(hash: string): Digest {
  return toDigest(
    Buffer.from(hash.slice('sha256='.length), 'base64url').toString('hex').padEnd(64, '0').slice(0, 64),
  );
}

async function digestFrom(path: string, start: number): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { start, highWaterMark: 1 << 20 }))
    hash.update(piece as Buffer);
  return toDigest(hash.digest('hex'));
}

/** A path of RECORD below the venv's root; undefined for one outside. */
function placeOf({ root, sitePackages }: Venv, path: string): string | undefined {
  const place = isAbsolute(path) ? relative(root, path) : posix.normalize(posix.join(sitePackages, path));
  if (place.startsWith('../') || place === '..') return undefined;
  return place.startsWith('lib64/') ? `lib/${place.slice('lib64/'.length)}` : place;
}

/** What Python makes by itself; a `.pyc` elsewhere may be all that there is of a module. */
export function isBytecode(path: string): boolean {
  return path.includes('__pycache__/') && path.endsWith('.pyc');
}

/** Undefined for what is no JSON or has no URL: installers write it, tools read it, and none needs it. */
function parseDirectUrl(text: string): DirectUrl | undefined {
  try {
    const value = JSON.parse(text) as { url?: unknown } | null;
    return typeof value?.url === 'string' && URL.canParse(value.url) ? (value as DirectUrl) : undefined;
  } catch {
    return undefined;
  }
}
