import { type BigIntStats, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { isRefusal, ShenvError } from '../../base/errors.js';
import { joinPath } from '../../upper/names.js';
import { changedNsOf, stampOf } from '../../upper/stamp.js';
import { type Installed, surveyDistribution } from '../transfer/survey.js';
import type { Venv } from '../transfer/venv.js';
import type { Skipped } from './plan.js';
import { isGone, type UpperEntry, type UpperFolder, type UpperStatus } from './upper-tree.js';

/** What an installer writes last is among them. */
const complete = ['METADATA', 'WHEEL', 'RECORD', 'INSTALLER'];

/** What is known of the files of an upper layer, by path: from before any of them is read. */
export type Statuses = ReadonlyMap<string, UpperStatus>;

/** Of everything but folders. What vanishes meanwhile is left out. */
export function readStatuses(root: string, upper: UpperFolder): Map<string, UpperStatus> {
  const found = new Map<string, UpperStatus>();
  const walk = (folder: UpperFolder, path: string) => {
    for (const [name, entry] of folder.entries) {
      const below = joinPath(path, name);
      if (entry.kind === 'folder') walk(entry, below);
      else {
        const status = statusUnlessGone(join(root, below));
        if (!status) continue;
        const { mode, size, mtimeNs } = status;
        const stamp = stampOf(status);
        found.set(below, { mode: Number(mode) & 0o7777, sizeBytes: Number(size), mtimeNs, stamp });
      }
    }
  };
  walk(upper, '');
  return found;
}

function statusUnlessGone(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Distributions that lie in an upper layer as their installer left them, and those that stay, with the reason. */
export async function findCandidates(
  venv: Venv,
  upper: UpperFolder,
  { statuses, quietSinceMs }: { statuses: Statuses; quietSinceMs: number },
): Promise<{ installed: Installed[]; skipped: Skipped[] }> {
  const found: { installed: Installed[]; skipped: Skipped[] } = { installed: [], skipped: [] };
  const site = folderAt(upper, venv.sitePackages);
  const names = [...(site?.entries ?? [])].filter(([name, entry]) => isComplete(name, entry));
  for (const [name] of names.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const installed = await surveyDistribution(venv, name).catch(unreadable);
    const reason =
      typeof installed === 'string'
        ? installed
        : installed && reasonToStay(installed, statuses, quietSinceMs, venv);
    if (reason !== undefined)
      found.skipped.push({ distribution: name.slice(0, -'.dist-info'.length), reason });
    else if (installed && typeof installed !== 'string') found.installed.push(installed);
  }
  return found;
}

function isComplete(name: string, entry: UpperEntry): boolean {
  if (!name.endsWith('.dist-info') || entry.kind !== 'folder') return false;
  return complete.every((file) => entry.entries.get(file)?.kind === 'file');
}

function unreadable(error: unknown): string {
  if (error instanceof ShenvError) return error.message;
  if (isGone(error)) return 'a file of it went away just now';
  if (isRefusal(error)) return `a file of it cannot be read: ${(error as Error).message}`;
  throw error;
}

function reasonToStay(
  { files, missing, directUrl, distInfo }: Installed,
  statuses: Statuses,
  quietSinceMs: number,
  { sitePackages }: Venv,
): string | undefined {
  if ((directUrl?.dir_info as { editable?: unknown } | undefined)?.editable === true) return 'it is editable';
  const [gone] = missing;
  if (gone !== undefined) return `${gone} is not there`;
  const metadata = `${sitePackages}/${distInfo}`;
  for (const [path, { recorded }] of files) {
    const status = statuses.get(path);
    if (!status) return `${path} is not in the upper layer`;
    if (recorded !== undefined && path.startsWith(`${metadata}/`)) return `${path} was changed`;
    if (isRecent(status, quietSinceMs)) return 'it was written to just now';
  }
  const record = statuses.get(`${metadata}/RECORD`);
  return record && isRecent(record, quietSinceMs) ? 'it was written to just now' : undefined;
}

function isRecent({ stamp }: UpperStatus, quietSinceMs: number): boolean {
  return Number(changedNsOf(stamp) / 1_000_000n) > quietSinceMs;
}

export function folderAt(upper: UpperFolder, path: string): UpperFolder | undefined {
  let folder: UpperEntry | undefined = upper;
  for (const part of path.split('/')) {
    if (folder?.kind !== 'folder') return undefined;
    folder = folder.entries.get(part);
  }
  return folder?.kind === 'folder' ? folder : undefined;
}
