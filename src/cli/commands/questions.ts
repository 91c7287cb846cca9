import { writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { check, describeProblem } from '../../env/check.js';
import { freeze } from '../../env/freeze.js';
import { makeLock } from '../../env/make-lock.js';
import { outdated } from '../../env/outdated.js';
import { formatLock } from '../../env/pylock-file.js';
import { readReference } from '../../env/reference.js';
import { dependencyTree, type TreeNode } from '../../env/tree.js';
import type { Workspace } from '../../env/workspace.js';
import { hasLocalEdits } from '../../env/writable.js';
import { readInterpreter } from '../../python/interpreter-record.js';
import { plural, type Report } from '../render.js';
import { formatTable } from '../table.js';
import { type IndexOptions, indexArgs } from './wanted-options.js';

/** Says where an answer is of what the manifest composes alone. */
async function noteEdits({ environments, progress }: Workspace, reference: string): Promise<void> {
  if (await hasLocalEdits(environments, reference))
    progress.note(`shenv-fs: '${reference}' has local edits, which are left out here`);
}

export async function lock(
  workspace: Workspace,
  name: string,
  options: IndexOptions & { output?: string },
): Promise<Report> {
  await noteEdits(workspace, name);
  const folder = options.output === undefined ? process.cwd() : dirname(resolve(options.output));
  const data = await makeLock(workspace, name, { folder, indexArgs: indexArgs(options) });
  const text = formatLock(data, 'shenv-fs');
  if (options.output === undefined) return { data, text };
  await writeFile(options.output, text);
  return { data, text: `Wrote ${options.output}: ${plural(data.packages.length, 'package')}` };
}

export async function freezeEnvironment(
  workspace: Workspace,
  name: string,
  options: { all?: boolean },
): Promise<Report> {
  await noteEdits(workspace, name);
  const { layers, interpreter } = await readReference(workspace, name);
  const { minor } = await readInterpreter(workspace.environments.interpreters, interpreter);
  const data = freeze(layers, minor, options.all === true);
  return { data, text: data.join('\n') };
}

export async function checkEnvironments(workspace: Workspace, names: string[]): Promise<Report> {
  const data = [];
  const lines: string[] = [];
  for (const name of names.length > 0 ? names : await workspace.environments.list()) {
    await noteEdits(workspace, name);
    const problems = await check(workspace, name);
    data.push({ name, problems });
    if (problems.length === 0) lines.push(`${name}: no broken requirements`);
    else lines.push(...problems.map((problem) => `${name}: ${describeProblem(problem)}`));
  }
  const isBroken = data.some(({ problems }) => problems.length > 0);
  return { data, text: lines.join('\n'), ...(isBroken ? { exitStatus: 1 } : {}) };
}

export async function tree(
  workspace: Workspace,
  name: string,
  names: string[],
  options: { inverse?: boolean },
): Promise<Report> {
  await noteEdits(workspace, name);
  const data = await dependencyTree(workspace, name, names, options.inverse === true);
  return { data, text: data.flatMap((node) => [title(node), ...branches(node, '')]).join('\n') };
}

function branches(node: TreeNode, indent: string): string[] {
  return node.dependencies.flatMap((child, index) => {
    const isLast = index === node.dependencies.length - 1;
    const line = `${indent}${isLast ? '└── ' : '├── '}${title(child)}`;
    return [line, ...branches(child, `${indent}${isLast ? '    ' : '│   '}`)];
  });
}

function title({ name, version, requirement, repeated, missing }: TreeNode): string {
  const asked = requirement === undefined ? '' : ` [${requirement}]`;
  return missing ? `${name}${asked} (missing)` : `${name} ${version}${asked}${repeated ? ' (*)' : ''}`;
}

export async function listOutdated(
  workspace: Workspace,
  name: string,
  options: IndexOptions,
): Promise<Report> {
  await noteEdits(workspace, name);
  const data = await outdated(workspace, name, indexArgs(options));
  if (data.length === 0) return { data, text: 'Nothing is outdated.' };
  const rows = data.map((item) => [item.name, item.version, item.latest]);
  return { data, text: formatTable(['DISTRIBUTION', 'VERSION', 'LATEST'], rows) };
}
