import { statSync } from 'node:fs';
import { isRefusal, ShenvError } from '../base/errors.js';
import type { Places } from '../base/paths.js';
import { ownUid, statusOf } from '../base/trust.js';

/** HOME_FOREIGN instead of a system's refusal to read or change something in another user's home; else `error` itself. */
export function explainRefusal(error: unknown, { home }: Places): unknown {
  const path = (error as NodeJS.ErrnoException | undefined)?.path;
  if (!isRefusal(error) || path === undefined || (path !== home && !path.startsWith(`${home}/`)))
    return error;
  const owner = ownerOf(home);
  if (owner === undefined || owner === ownUid()) return error;
  return new ShenvError('HOME_FOREIGN', `The environments in ${home} are those of user ${owner}`, {
    hint: 'You may use what a mount shows of them; to make and change environments of your own, unset SHENV_HOME.',
    path,
    cause: error,
  });
}

/** Undefined where it may not even be looked at. */
function ownerOf(home: string): number | undefined {
  try {
    return statusOf(home, statSync)?.uid;
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}
