import { archiveEnds } from './cases/archive-ends.js';
import { overLimits } from './cases/limits.js';
import { members } from './cases/members.js';
import { metadataCases } from './cases/metadata.js';
import { memberNames } from './cases/names.js';
import { placeCases } from './cases/places.js';
import { recordCases } from './cases/record.js';
import type { Rejection } from './rejection.js';

/** Every wheel that must be refused, in the order of their reasons. */
export const rejections: readonly Rejection[] = [
  ...archiveEnds,
  ...members,
  ...memberNames,
  ...overLimits,
  ...metadataCases,
  ...recordCases,
  ...placeCases,
].sort((a, b) => (a.reason < b.reason ? -1 : 1));

export function fixtureName({ reason }: Rejection): string {
  return `reject-${reason}.whl`;
}
