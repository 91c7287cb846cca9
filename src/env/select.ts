import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ShenvError, unless } from '../base/errors.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import { markerEnvironment } from '../python/marker-environment.js';
import { installationOrder } from './installation-order.js';
import { pinsOf } from './lock.js';
import { obtain } from './obtain.js';
import type { Chosen } from './pin.js';
import { choosePinned } from './pinned.js';
import { readRequirementFiles, requirementLine } from './requirements-file.js';
import type { Installed } from './resolve.js';
import type { Wanted } from './wanted.js';
import type { Workspace } from './workspace.js';

/** What was chosen for what was wanted; every image is in the store. */
export interface Selection {
  /** In the order in which they are installed. */
  chosen: Chosen[];
  /** What INSTALLER says of them. */
  installer: string;
  /** The requirements as lines of a requirements file. */
  requested: string[];
}

/**
 * Chooses distributions for `wanted`, the whole set or with `installed` what is to be added or
 * replaced, by the first way that applies: a lock; requirements that are all pinned and in the
 * store; a resolver. Throws what each of them throws.
 */
export async function select(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  wanted: Wanted,
  installed?: Installed,
): Promise<Selection> {
  const lockPath = wanted.requirementFiles.find((path) => isLockName(path));
  const selection =
    lockPath === undefined
      ? await selectByRequirements(workspace, interpreter, wanted, installed)
      : await selectByLock(workspace, interpreter, wanted, lockPath);
  return { ...selection, chosen: order(workspace, interpreter, selection.chosen) };
}

/** Whether a file's name says that it is a lock (PEP 751, "File name"). */
function isLockName(path: string): boolean {
  return /(^|\/)pylock(\.[^./]+)?\.toml$/.test(path);
}

async function selectByLock(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  wanted: Wanted,
  path: string,
): Promise<Selection> {
  if (wanted.requirementFiles.length + wanted.requirements.length + wanted.editables.length > 1) {
    throw new ShenvError('USAGE', `${path} is a lock and cannot be combined with other requirements`, {
      hint: 'Install from the lock first, then use `shenv-fs install`.',
    });
  }
  const text = await unless('ENOENT', readFile(path, 'utf8'));
  if (text === undefined) {
    throw new ShenvError('REQUIREMENTS_MISSING', `There is no lock ${path}`, {
      hint: '`shenv-fs lock ENV -o pylock.toml` writes one.',
      path,
    });
  }
  const { parseLock } = await import('./pylock-file.js');
  const lock = parseLock(text, path);
  const pins = pinsOf(lock, path, interpreter);
  const chosen = await obtain(workspace, interpreter, pins, wanted);
  const roots = pins.filter(({ requested }) => requested).map(({ name }) => name);
  return { chosen, installer: 'shenv-fs', requested: [...(lock.requested ?? roots)] };
}

async function selectByRequirements(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  wanted: Wanted,
  installed: Installed | undefined,
): Promise<Selection> {
  const files = await readRequirementFiles(wanted.requirementFiles);
  const lines = [...wanted.requirements.map(requirementLine), ...files.lines];
  const requested = [
    ...lines.map(({ text, editable }) => (editable ? `-e ${absolute(text)}` : absolute(text))),
    ...wanted.editables.map((path) => `-e ${absolute(path)}`),
  ];
  const pinned = canBePinned(wanted, files.isOpaque, installed)
    ? choosePinned(workspace, interpreter, lines, wanted.withDependencies)
    : undefined;
  if (pinned) return { chosen: pinned, installer: 'shenv-fs', requested };
  const pins =
    wanted.resolver === 'uv'
      ? await (await import('./resolve-with-uv.js')).resolveWithUv(workspace, interpreter, wanted, installed)
      : await (await import('./resolve.js')).resolveWithPip(workspace, interpreter, wanted, installed);
  return {
    chosen: await obtain(workspace, interpreter, pins, wanted),
    installer: wanted.resolver,
    requested,
  };
}

/** A path means the same wherever the requirement is used again. */
function absolute(text: string): string {
  return /^\.{0,2}\/|^\.{1,2}($|\[)/.test(text) ? resolve(text) : text;
}

function canBePinned(wanted: Wanted, isOpaque: boolean, installed: Installed | undefined): boolean {
  const isPlain = wanted.constraintFiles.length === 0 && wanted.editables.length === 0 && !isOpaque;
  return isPlain && installed === undefined;
}

function order({ outlines }: Workspace, interpreter: InterpreterRecord, chosen: readonly Chosen[]): Chosen[] {
  return installationOrder(
    chosen,
    markerEnvironment(interpreter),
    ({ image, extras, requested, dependencies }) => {
      const requires =
        dependencies ?? outlines.describe(image, interpreter.cacheTag)?.meta.requiresDist ?? [];
      return { name: image.name, requires, extras, requested };
    },
  );
}
