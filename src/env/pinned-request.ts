import { type RequirementLine, readRequirementFiles, requirementLine } from './requirements-file.js';
import type { Wanted } from './wanted.js';

/** Whether nothing but the requirements themselves has a say; `isOpaque` tells of their files. */
export function canBePinned(wanted: Wanted, isOpaque: boolean): boolean {
  return wanted.constraintFiles.length === 0 && wanted.editables.length === 0 && !isOpaque;
}

/**
 * A text in which requirements that all name their version differ as far as it matters for what they lead to, whatever
 * files they stand in; undefined for others. Throws REQUIREMENTS_MISSING.
 */
export async function pinnedText(wanted: Wanted): Promise<string | undefined> {
  const files = await readRequirementFiles(wanted.requirementFiles);
  const lines = [...wanted.requirements.map(requirementLine), ...files.lines];
  if (!canBePinned(wanted, files.isOpaque) || !lines.every(namesVersion)) return undefined;
  return JSON.stringify([lines, wanted.withDependencies]);
}

function namesVersion({ text, editable, isOpaque }: RequirementLine): boolean {
  return !editable && !isOpaque && text.includes('==');
}
