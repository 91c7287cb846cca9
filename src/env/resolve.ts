import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import type { Download, Pin } from './pin.js';
import { findPip, runPip } from './pip.js';
import { makeShadow, type Shadowed } from './shadow.js';
import { repeat, type Wanted } from './wanted.js';
import type { Workspace } from './workspace.js';

/** What is there already, and whether newer versions of it are wanted. */
export interface Installed extends Shadowed {
  /** pip's upgrade strategy; undefined leaves what satisfies the requirements. */
  upgrade: 'only-if-needed' | 'eager' | undefined;
}

/** The part of pip's installation report (version 1) that is used. */
interface ReportItem {
  download_info: Download;
  is_direct: boolean;
  requested: boolean;
  requested_extras?: string[];
  metadata: { name: string; version: string };
}

/**
 * Lets pip choose: the whole set for an empty environment, or with `installed` what has to be added
 * to it or replaced. Throws RESOLVER_MISSING, RESOLVER_FAILED.
 */
export async function resolveWithPip(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  wanted: Wanted,
  installed?: Installed,
): Promise<Pin[]> {
  const { progress, signal, outlines } = workspace;
  const folder = await mkdtemp(join(tmpdir(), 'shenv-fs-resolve-'));
  try {
    progress.start('Resolving', 0);
    const shadow = installed && (await makeShadow(join(folder, 'shadow'), interpreter, installed, outlines));
    const pip = await findPip(interpreter, shadow?.python);
    const report = join(folder, 'report.json');
    const mode = installed ? upgradeArgs(installed) : ['--ignore-installed'];
    await runPip(
      pip,
      ['install', '--dry-run', '--report', report, ...mode, ...pipArgs(wanted)],
      progress,
      signal,
    );
    const { install } = JSON.parse(await readFile(report, 'utf8')) as { install: ReportItem[] };
    return install.map(toPin);
  } finally {
    progress.finish();
    await rm(folder, { recursive: true, force: true });
  }
}

function upgradeArgs({ upgrade }: Installed): string[] {
  return upgrade === undefined ? [] : ['--upgrade', '--upgrade-strategy', upgrade];
}

function pipArgs(wanted: Wanted): string[] {
  return [
    ...wanted.indexArgs,
    ...(wanted.allowsPrereleases ? ['--pre'] : []),
    ...(wanted.withDependencies ? [] : ['--no-deps']),
    ...repeat('-c', wanted.constraintFiles),
    ...repeat('-r', wanted.requirementFiles),
    ...repeat('-e', wanted.editables),
    ...wanted.requirements,
  ];
}

function toPin({
  download_info: download,
  is_direct,
  requested,
  requested_extras,
  metadata,
}: ReportItem): Pin {
  const { name, version } = metadata;
  return { name, version, download, isDirect: is_direct, requested, extras: requested_extras ?? [] };
}
