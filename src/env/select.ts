import { readFile } from 'node:fs/promises';
import { ShenvError, unless } from '../base/errors.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import { markerEnvironment } from '../python/marker-environment.js';
import { normalizeName } from '../wheel/filename.js';
import { installationOrder } from './installation-order.js';
import { pinsOf } from './lock.js';
import { obtain } from './obtain.js';
import type { Chosen } from './pin.js';
import { choosePinned } from './pinned.js';
import { canBePinned } from './pinned-request.js';
import { requestedExtras, requestedName } from './requested.js';
import {
  type Requirements,
  readRequirementFiles,
  requirementLine,
  requirementText,
} from './requirements-file.js';
import type { Installed } from './resolve.js';
import { lockOf, type Wanted } from './wanted.js';
import type { Workspace } from './workspace.js';

/** What was chosen for what was wanted; every image is in the store. */
export interface Selection {
  /** In the order in which they are installed. */
  chosen: Chosen[];
  /** What INSTALLER says of them. */
  installer: string;
  /** The requirements as lines of a requirements file. */
  requested: string[];
  /** Whether it follows from the requirements and the images of the store alone. */
  isRepeatable: boolean;
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
  const lockPath = lockOf(wanted);
  const selection =
    lockPath === undefined
      ? await selectByRequirements(workspace, interpreter, wanted, installed)
      : await selectByLock(workspace, interpreter, wanted, lockPath);
  return { ...selection, chosen: order(workspace, interpreter, selection.chosen) };
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
  return { chosen, installer: 'shenv-fs', requested: [...(lock.requested ?? roots)], isRepeatable: true };
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
    ...lines.map(requirementText),
    ...wanted.editables.map((text) => requirementText({ text, editable: true })),
  ];
  const pinned = canBePinned(wanted, files.isOpaque)
    ? choosePinned(
        workspace,
        interpreter,
        lines,
        wanted.withDependencies ? (installed?.layers ?? []) : undefined,
      )
    : undefined;
  if (pinned) return { chosen: pinned, installer: 'shenv-fs', requested, isRepeatable: true };
  if (canBeAtHand(wanted, files, installed)) {
    const { chooseAtHand } = await import('./at-hand.js');
    const pins = await chooseAtHand(workspace, interpreter, { wanted, lines }, installed?.layers ?? []);
    if (pins) {
      const chosen = await obtain(workspace, interpreter, pins, wanted);
      // As if it had run: what an environment shows does not depend on how little there was to choose.
      return { chosen, installer: 'pip', requested, isRepeatable: false };
    }
  }
  const resolver =
    wanted.resolver === 'uv'
      ? (await import('./resolve-with-uv.js')).resolveWithUv
      : (await import('./resolve.js')).resolveWithPip;
  const pins = await resolver(workspace, interpreter, wanted, installed);
  const chosen = await obtain(workspace, interpreter, pins, wanted);
  const marked = wanted.resolver === 'uv' ? markRequested(chosen, requested) : chosen;
  return { chosen: marked, installer: wanted.resolver, requested, isRepeatable: false };
}

/** A lock of uv's does not say what was asked for. */
function markRequested(chosen: readonly Chosen[], requested: readonly string[]): Chosen[] {
  const names = new Set(requested.map((text) => requestedName(text, chosen)));
  const extras = requestedExtras(requested, chosen);
  return chosen.map((item) => {
    const name = normalizeName(item.image.name);
    return { ...item, requested: names.has(name), extras: extras.get(name) ?? [] };
  });
}

function canBeAtHand(wanted: Wanted, files: Requirements, installed: Installed | undefined): boolean {
  const hasOthers = installed?.upgrade !== undefined || installed?.systemSitePackages === true;
  return (
    canBePinned(wanted, files.isOpaque) && !files.namesSources && !hasOthers && wanted.resolver === 'pip'
  );
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
