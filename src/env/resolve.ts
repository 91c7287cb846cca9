import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Digest, toDigest } from '../base/brands.js';
import { sha256OfFile } from '../base/digest.js';
import { ShenvError } from '../base/errors.js';
import type { Progress } from '../base/progress.js';
import { Image } from '../image/read.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import { putWheel } from '../store/put.js';
import type { Store } from '../store/store.js';
import { normalizeName, parseWheelFilename, sameVersion } from '../wheel/filename.js';
import { installationOrder } from './installation-order.js';
import { findPip, type Pip, runPip } from './pip.js';

/** One distribution that resolving chose, with its image in the store. */
export interface ResolvedDistribution {
  image: Image;
  requested: boolean;
  directUrl?: Record<string, unknown>;
  /** False when the store had its image already. */
  added: boolean;
}

export interface ResolveOptions {
  /** Passed on to pip: `--index-url`, `--find-links`, `-c`, `-r`, …, each with its value. */
  pipArgs: readonly string[];
  progress: Progress;
  signal?: AbortSignal;
}

/** The part of pip's installation report (version 1) that is used. */
interface ReportItem {
  download_info: {
    url: string;
    archive_info?: { hashes?: Record<string, string> };
    vcs_info?: unknown;
    dir_info?: unknown;
  };
  is_direct: boolean;
  requested: boolean;
  requested_extras?: string[];
  metadata: { name: string; version: string; requires_dist?: string[] };
}

/**
 * Lets pip choose the distributions for `requirements`, takes over from the store the wheels that it
 * has, and lets pip fetch or build the others. In the order in which pip would install them.
 */
export async function resolveRequirements(
  store: Store,
  interpreter: InterpreterRecord,
  requirements: readonly string[],
  options: ResolveOptions,
): Promise<ResolvedDistribution[]> {
  const pip = await findPip(interpreter);
  const folder = await mkdtemp(join(tmpdir(), 'shenv-fs-resolve-'));
  try {
    options.progress.start('Resolving', 0);
    const items = await report(pip, folder, requirements, options);
    const found = new Map<ReportItem, ResolvedDistribution>();
    const missing: ReportItem[] = [];
    for (const item of items) {
      const image = await findImage(store, interpreter, item);
      if (image) found.set(item, { ...describe(item), image, added: false });
      else missing.push(item);
    }
    for (const [item, wheel] of await fetchWheels(pip, folder, missing, options)) {
      options.progress.advance(1, `adding ${item.metadata.name}`);
      const source = sourceDigest(item);
      const { image, added } = await putWheel(store, wheel, {
        ...(source ? { builtFrom: source } : {}),
        ...(options.signal ? { signal: options.signal } : {}),
      });
      found.set(item, { ...describe(item), image, added });
    }
    return installationOrder(items, reportedNode).map((item) => found.get(item)!);
  } finally {
    options.progress.finish();
    await rm(folder, { recursive: true });
  }
}

async function report(
  pip: Pip,
  folder: string,
  requirements: readonly string[],
  options: ResolveOptions,
): Promise<ReportItem[]> {
  const path = join(folder, 'report.json');
  const args = [
    'install',
    '--dry-run',
    '--ignore-installed',
    '--report',
    path,
    ...options.pipArgs,
    ...requirements,
  ];
  await runPip(pip, args, options.progress, options.signal);
  const { install } = JSON.parse(await readFile(path, 'utf8')) as { install: ReportItem[] };
  return install;
}

function describe(item: ReportItem): Pick<ResolvedDistribution, 'requested' | 'directUrl'> {
  return { requested: item.requested, ...(item.is_direct ? { directUrl: item.download_info } : {}) };
}

function reportedNode(item: ReportItem) {
  const { name, requires_dist: requires = [] } = item.metadata;
  return { name, requires, extras: item.requested_extras ?? [], requested: item.requested };
}

function isWheelUrl(item: ReportItem): boolean {
  return new URL(item.download_info.url).pathname.endsWith('.whl');
}

function archiveDigest(item: ReportItem): Digest | undefined {
  const text = item.download_info.archive_info?.hashes?.sha256;
  return text === undefined ? undefined : toDigest(text);
}

function sourceDigest(item: ReportItem): Digest | undefined {
  return isWheelUrl(item) ? undefined : archiveDigest(item);
}

async function findImage(
  store: Store,
  interpreter: InterpreterRecord,
  item: ReportItem,
): Promise<Image | undefined> {
  const { name, version } = item.metadata;
  const digest = archiveDigest(item) ?? (await localDigest(item));
  if (digest === undefined) return undefined;
  if (!isWheelUrl(item)) return store.findBuilt(name, version, digest, new Set(interpreter.tags));
  const stored = await store.find(name, version, digest);
  return stored && Image.open(stored.path);
}

async function localDigest(item: ReportItem): Promise<Digest | undefined> {
  const path = localWheel(item);
  return path === undefined ? undefined : sha256OfFile(path);
}

function localWheel(item: ReportItem): string | undefined {
  const { url } = item.download_info;
  return url.startsWith('file:') && isWheelUrl(item) ? fileURLToPath(url) : undefined;
}

/** Gets the wheels of `missing`: local files as they are, the rest by `pip wheel`, pinned by hash where it can be. */
async function fetchWheels(
  pip: Pip,
  folder: string,
  missing: readonly ReportItem[],
  options: ResolveOptions,
): Promise<Map<ReportItem, string>> {
  const wheels = new Map<ReportItem, string>();
  const remote: ReportItem[] = [];
  for (const item of missing) {
    const local = localWheel(item);
    if (local) wheels.set(item, local);
    else remote.push(item);
  }
  if (remote.length > 0) {
    options.progress.start('Fetching', remote.length);
    const target = join(folder, 'wheels');
    const pinned = remote.filter((item) => !item.is_direct && archiveDigest(item) !== undefined);
    const indexArgs = withoutRequirements(options.pipArgs);
    await wheelFrom(pip, folder, target, pinned.map(pinnedLine), indexArgs, options);
    const others = remote.filter((item) => !pinned.includes(item));
    await wheelFrom(pip, folder, target, others.map(directLine), indexArgs, options);
    for (const item of remote) wheels.set(item, await findWheel(target, item));
  }
  options.progress.start('Adding to the store', missing.length);
  return wheels;
}

function pinnedLine(item: ReportItem): string {
  return `${item.metadata.name}==${item.metadata.version} --hash=sha256:${archiveDigest(item)}`;
}

function directLine(item: ReportItem): string {
  const info = item.download_info as { url: string; vcs_info?: { vcs: string; commit_id: string } };
  const vcs = info.vcs_info ? `${info.vcs_info.vcs}+` : '';
  const commit = info.vcs_info ? `@${info.vcs_info.commit_id}` : '';
  return item.is_direct || archiveDigest(item) === undefined
    ? `${item.metadata.name} @ ${vcs}${info.url}${commit}`
    : `${item.metadata.name}==${item.metadata.version}`;
}

async function wheelFrom(
  pip: Pip,
  folder: string,
  target: string,
  lines: readonly string[],
  indexArgs: readonly string[],
  options: ResolveOptions,
): Promise<void> {
  if (lines.length === 0) return;
  const list = join(folder, 'pinned.txt');
  await writeFile(list, `${lines.join('\n')}\n`);
  await runPip(
    pip,
    ['wheel', '--no-deps', '--wheel-dir', target, ...indexArgs, '-r', list],
    options.progress,
    options.signal,
  );
}

/** What chooses distributions is decided by now; only where to get them from still matters. */
function withoutRequirements(pipArgs: readonly string[]): string[] {
  const choosing = new Set(['-r', '--requirement', '-c', '--constraint', '-e', '--editable']);
  return pipArgs.filter((arg, index) => !choosing.has(arg) && !choosing.has(pipArgs[index - 1] ?? ''));
}

async function findWheel(folder: string, item: ReportItem): Promise<string> {
  for (const file of await readdir(folder)) {
    const { distribution, version } = parseWheelFilename(file);
    const sameName = normalizeName(distribution) === normalizeName(item.metadata.name);
    if (sameName && sameVersion(version.replaceAll('_', '-'), item.metadata.version))
      return join(folder, file);
  }
  throw new ShenvError(
    'RESOLVER_FAILED',
    `pip gave no wheel of ${item.metadata.name} ${item.metadata.version}`,
    {
      hint: 'Run the command again; if it stays so, add the wheel with `shenv-fs store add`.',
    },
  );
}
