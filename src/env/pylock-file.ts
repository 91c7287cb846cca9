import { ShenvError } from '../base/errors.js';
import { formatToml, parseToml, TableReader, type TomlTable } from '../base/toml.js';
import { parseWheelFilename } from '../wheel/filename.js';
import { parseMarker } from '../wheel/marker.js';
import { parseSpecifier } from '../wheel/version.js';

/** A file of a package in a lock: where it is and what it must be. */
export interface LockedFile {
  name: string;
  url: string | undefined;
  /** Relative to the lock. */
  path: string | undefined;
  sha256: string | undefined;
}

/** `[[packages]]` of PEP 751, as far as it is used here. */
export interface LockedPackage {
  name: string;
  version: string | undefined;
  marker: string | undefined;
  requiresPython: string | undefined;
  /** Names of what it depends on, where the lock tells. */
  dependencies: readonly string[];
  wheels: readonly LockedFile[];
  sdist: LockedFile | undefined;
  archive: (LockedFile & { subdirectory: string | undefined }) | undefined;
  directory: { path: string; editable: boolean; subdirectory: string | undefined } | undefined;
  vcs:
    | {
        type: string;
        url: string | undefined;
        path: string | undefined;
        commitId: string;
        requestedRevision: string | undefined;
        subdirectory: string | undefined;
      }
    | undefined;
}

export interface Lock {
  requiresPython: string | undefined;
  /** Markers of which one must hold, where there are any. */
  environments: readonly string[];
  defaultGroups: readonly string[];
  packages: readonly LockedPackage[];
  /** Requirements that led to the packages: `[tool.shenv-fs]`. */
  requested: readonly string[] | undefined;
}

/** Reads a pylock.toml (PEP 751, lock-version 1). Throws LOCK_INVALID naming what is wrong with it. */
export function parseLock(text: string, path: string): Lock {
  let root: TomlTable;
  try {
    root = parseToml(text);
  } catch (cause) {
    throw invalid(path, `it is no TOML: ${(cause as Error).message.split('\n')[0]}`);
  }
  const reader = new TableReader(root, (rule) => invalid(path, rule));
  const version = reader.text('lock-version');
  if (!/^1\.\d+$/.test(version ?? ''))
    throw invalid(path, `lock-version ${version ?? 'is missing'}; only 1.x is known`);
  return {
    requiresPython: readSpecifier(reader),
    environments: reader.texts('environments').map((marker) => checkedMarker(reader, marker)),
    defaultGroups: reader.texts('default-groups'),
    packages: reader.tables('packages').map(readPackage),
    requested: reader.table('tool')?.table('shenv-fs')?.optionalTexts('requested'),
  };
}

/** Writes a lock; keys in the order of the specification, times and places of this machine left out. */
export function formatLock(lock: Lock, createdBy: string): string {
  const packages = lock.packages.map((item) => ({
    name: item.name,
    ...present('version', item.version),
    ...present('marker', item.marker),
    ...present('requires-python', item.requiresPython),
    ...(item.dependencies.length > 0 ? { dependencies: item.dependencies.map((name) => ({ name })) } : {}),
    ...present('vcs', item.vcs && formatVcs(item.vcs)),
    ...present('directory', item.directory),
    ...present('archive', item.archive && formatArchive(item.archive)),
    ...present('sdist', item.sdist && formatFile(item.sdist)),
    ...(item.wheels.length > 0 ? { wheels: item.wheels.map(formatFile) } : {}),
  }));
  return formatToml({
    'lock-version': '1.0',
    ...(lock.environments.length > 0 ? { environments: [...lock.environments] } : {}),
    ...present('requires-python', lock.requiresPython),
    ...(lock.defaultGroups.length > 0 ? { 'default-groups': [...lock.defaultGroups] } : {}),
    'created-by': createdBy,
    packages,
    ...(lock.requested ? { tool: { [createdBy]: { requested: [...lock.requested] } } } : {}),
  });
}

function formatVcs(vcs: NonNullable<LockedPackage['vcs']>): TomlTable {
  return {
    type: vcs.type,
    ...present('url', vcs.url),
    ...present('path', vcs.path),
    ...present('requested-revision', vcs.requestedRevision),
    'commit-id': vcs.commitId,
    ...present('subdirectory', vcs.subdirectory),
  } as TomlTable;
}

function formatFile({ name, url, path, sha256 }: LockedFile): TomlTable {
  const hashes = sha256 === undefined ? {} : { hashes: { sha256 } };
  return { name, ...present('url', url), ...present('path', path), ...hashes } as TomlTable;
}

/** `[packages.archive]` has no name of its own. */
function formatArchive({ subdirectory, ...file }: NonNullable<LockedPackage['archive']>): TomlTable {
  const { name: _, ...rest } = formatFile(file);
  return { ...rest, ...present('subdirectory', subdirectory) } as TomlTable;
}

function present<T>(key: string, value: T | undefined): Record<string, T> {
  if (value === undefined) return {};
  const given =
    typeof value === 'object' && value !== null
      ? (Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T)
      : value;
  return { [key]: given };
}

function readPackage(reader: TableReader): LockedPackage {
  const name = reader.text('name');
  if (name === undefined) throw reader.invalid('a package has no name');
  const vcs = reader.table('vcs');
  const directory = reader.table('directory');
  const archive = reader.table('archive');
  return {
    name,
    version: reader.text('version'),
    marker: optional(reader.text('marker'), (marker) => checkedMarker(reader, marker)),
    requiresPython: readSpecifier(reader),
    dependencies: reader.tables('dependencies').flatMap((item) => item.text('name') ?? []),
    wheels: reader.tables('wheels').map(readWheel),
    sdist: optional(reader.table('sdist'), readFileEntry),
    archive: optional(archive, (table) => ({
      ...readFileEntry(table),
      subdirectory: table.text('subdirectory'),
    })),
    directory: optional(directory, (table) => ({
      path: table.required('path'),
      editable: table.flag('editable'),
      subdirectory: table.text('subdirectory'),
    })),
    vcs: optional(vcs, (table) => ({
      type: table.required('type'),
      ...readPlace(table, 'a repository'),
      commitId: table.required('commit-id'),
      requestedRevision: table.text('requested-revision'),
      subdirectory: table.text('subdirectory'),
    })),
  };
}

function optional<T, U>(value: T | undefined, read: (value: T) => U): U | undefined {
  return value === undefined ? undefined : read(value);
}

function checkedMarker(reader: TableReader, marker: string): string {
  try {
    parseMarker(marker);
    return marker;
  } catch (error) {
    if (error instanceof ShenvError) throw reader.invalid(error.message);
    throw error;
  }
}

function readSpecifier(reader: TableReader): string | undefined {
  const specifier = reader.text('requires-python');
  if (specifier === undefined || parseSpecifier(specifier)) return specifier;
  throw reader.invalid(`'requires-python' is no version specifier: ${specifier}`);
}

function readPlace(table: TableReader, what: string): Pick<LockedFile, 'url' | 'path'> {
  const url = table.text('url');
  const path = table.text('path');
  if (url === undefined && path === undefined) throw table.invalid(`${what} has neither url nor path`);
  if (url !== undefined && !URL.canParse(url)) throw table.invalid(`'url' is no URL: ${url}`);
  return { url, path };
}

function readWheel(table: TableReader): LockedFile {
  const wheel = readFileEntry(table);
  try {
    parseWheelFilename(wheel.name);
    return wheel;
  } catch (error) {
    if (error instanceof ShenvError) throw table.invalid(error.message);
    throw error;
  }
}

function readFileEntry(table: TableReader): LockedFile {
  const { url, path } = readPlace(table, 'a file');
  const place = url === undefined ? path! : decoded(url.replace(/[?#].*$/, ''));
  const sha256 = table.table('hashes')?.text('sha256');
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) throw table.invalid('a sha256 is malformed');
  return { name: table.text('name') ?? place.slice(place.lastIndexOf('/') + 1), url, path, sha256 };
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}

function invalid(path: string, rule: string): ShenvError {
  return new ShenvError('LOCK_INVALID', `${path} cannot be used: ${rule}`, {
    hint: 'Make the lock anew with the tool that wrote it, or with `shenv-fs lock`.',
    path,
  });
}
