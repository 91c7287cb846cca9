import { createInterface } from 'node:readline/promises';
import { ShenvError } from '../../base/errors.js';
import { adopt, type Outcome } from '../../env/adopt/adopt.js';
import { type LocalEdit, type LocalEdits, listEdits } from '../../env/adopt/local-edits.js';
import { loadLower } from '../../env/adopt/lower-view.js';
import { quietMs, untilQuiet } from '../../env/adopt/quiet.js';
import { revertOnDisk } from '../../env/adopt/revert.js';
import { readTimes } from '../../env/adopt/times.js';
import { readUpperTree } from '../../env/adopt/upper-tree.js';
import { assertWritable, isWritable } from '../../env/adopt/writable.js';
import type { Workspace } from '../../env/workspace.js';
import { findServing } from '../../mount/runtime.js';
import { requestAdoption, requestRevert } from '../../mount/upper-requests.js';
import { formatBytes, plural, type Report } from '../render.js';
import { describeDifferences, publish } from './changes.js';

/** Takes what installers have finished into the store: of the environments `names`, or of all that are writable. */
export async function adoptEnvironments(workspace: Workspace, names: string[]): Promise<Report> {
  for (const name of names) await assertWritable(workspace, name);
  const wanted = names.length > 0 ? names : await listWritable(workspace);
  const outcomes: Outcome[] = [];
  for (const name of wanted) {
    await untilQuiet(workspace.environments.upper(name), workspace.signal);
    outcomes.push(await adoptOne(workspace, name));
  }
  if (outcomes.length > 0) await publish(workspace);
  const text = outcomes.flatMap(describeOutcome).join('\n');
  return { data: outcomes, text: text || 'No environment is writable.' };
}

async function listWritable(workspace: Workspace): Promise<string[]> {
  const found: string[] = [];
  for (const name of await workspace.environments.list())
    if (await isWritable(workspace, name)) found.push(name);
  return found;
}

/** With `nowMs` in the future also what is being written just now. */
export async function adoptOne(workspace: Workspace, name: string, nowMs = Date.now()): Promise<Outcome> {
  const { runtime, home } = workspace.places;
  const serving = await findServing(runtime, home, name);
  if (!serving) return adopt(workspace, name, { mounts: [], nowMs });
  const { mountpoint, path } = serving;
  return adopt(workspace, name, {
    mounts: [path],
    delegate: (plan) => requestAdoption({ runtime, home, mountpoint, name }, plan),
    nowMs,
  });
}

/** For who freezes the environment next: nothing is spared for being new. */
export async function adoptAll(workspace: Workspace, name: string): Promise<Outcome | undefined> {
  if (!(await isWritable(workspace, name))) return undefined;
  return adoptOne(workspace, name, Date.now() + quietMs + 1000);
}

function describeOutcome(outcome: Outcome): string[] {
  const { name, differences, dropped, kept, skipped, imagesAdded } = outcome;
  return [
    `Adopted from '${name}': ${plural(dropped, 'file')}, ${imagesAdded} new in the store`,
    ...describeDifferences(differences),
    ...(kept > 0 ? [`  note: ${plural(kept, 'file')} changed meanwhile and stayed`] : []),
    ...skipped.map(({ distribution, reason }) => `  note: ${distribution} stays: ${reason}`),
  ];
}

/** What `diff` tells of a writable environment. */
export async function showEdits(
  workspace: Workspace,
  name: string,
  { exitCode = false }: { exitCode?: boolean },
): Promise<Report> {
  const { path: folder, tree: root } = workspace.environments.upper(name);
  const manifest = await workspace.environments.read(name);
  const lower = await loadLower(workspace, manifest, await readTimes(folder));
  const found = listEdits(root, await readUpperTree(root), lower);
  const hasEdits = found.edits.length > 0;
  return {
    data: { name, generation: manifest.generation, ...found },
    text: describeEdits(name, found),
    ...(exitCode && hasEdits ? { exitStatus: 1 } : {}),
  };
}

const signs = { added: '+', changed: '~', removed: '-' } as const;

function describeEdits(name: string, { edits, bytecodeFiles }: LocalEdits): string {
  const more = bytecodeFiles > 0 ? [` and ${plural(bytecodeFiles, 'file')} of bytecode`] : [];
  if (edits.length === 0) return [`'${name}' has no local edits`, ...more].join('\n');
  return [`Local edits of '${name}':`, ...edits.map(describeEdit), ...more].join('\n');
}

function describeEdit({ path, change, type, sizeBytes, distribution, movedFrom }: LocalEdit): string {
  const facts = [
    ...(type === 'file' ? [] : [type]),
    ...(sizeBytes === undefined || type !== 'file' ? [] : [formatBytes(sizeBytes)]),
    ...(distribution === undefined ? [] : [distribution]),
    ...(movedFrom === undefined ? [] : [`moved from ${movedFrom}`]),
  ];
  return ` ${signs[change]} ${path}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`;
}

/** Takes local edits back: those at `paths`, or all of them. Throws USAGE, NOT_WRITABLE. */
export async function revertEdits(
  workspace: Workspace,
  name: string,
  paths: string[],
  { yes = false }: { yes?: boolean },
): Promise<Report> {
  await assertWritable(workspace, name);
  if (paths.length === 0 && !yes) await confirm(name);
  const wanted = paths.length > 0 ? paths : [''];
  const { runtime, home } = workspace.places;
  const serving = await findServing(runtime, home, name);
  const { paths: reverted } = serving
    ? await requestRevert({ runtime, home, mountpoint: serving.mountpoint, name }, wanted)
    : await revertOnDisk(workspace.environments.upper(name), name, wanted);
  const text =
    reverted.length === 0 ? 'Nothing to take back.' : reverted.map((path) => ` ${path}`).join('\n');
  return { data: { name, paths: reverted }, text: `${reverted.length > 0 ? 'Taken back:\n' : ''}${text}` };
}

async function confirm(name: string): Promise<void> {
  if (process.stdin.isTTY && process.stderr.isTTY) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await terminal.question(`Take back every local edit of '${name}'? [y/N] `);
    terminal.close();
    if (/^y(es)?$/i.test(answer.trim())) return;
  }
  throw new ShenvError('USAGE', `Every local edit of '${name}' would be lost; nothing was done`, {
    hint: 'Name the paths to take back (`shenv-fs diff` lists them), or use --yes for all.',
  });
}
