import { ShenvError } from '../../base/errors.js';
import type { UpperFolder } from '../upper-folder.js';
import { withFlock } from './flock.js';

/**
 * Does `work` while no other process serves the upper layer or changes it without a mount. Throws ENVIRONMENT_IN_USE when
 * one does, ENGINE_UNAVAILABLE.
 */
export async function withUpperLock<T>(
  { lock }: UpperFolder,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const giveUp = async () => {
    throw new ShenvError('ENVIRONMENT_IN_USE', `Another process serves '${name}', or changes it just now`, {
      hint: 'Run the command again; where a mount of another user or host shows it, run it there.',
      path: lock,
    });
  };
  return withFlock(lock, giveUp, work);
}
