import { setTimeout } from 'node:timers/promises';
import { ShenvError } from '../../base/errors.js';
import type { UpperFolder } from '../upper-folder.js';
import type { Workspace } from '../workspace.js';
import { withFlock } from './flock.js';

const waitMs = 600_000;
const lookEveryMs = 100;

/**
 * Does `work` while no other process adopts from this upper layer; first waits for one that does, and says so. Throws
 * ENVIRONMENT_IN_USE when that takes more than ten minutes, ENGINE_UNAVAILABLE, and the signal's reason.
 */
export async function inTurn<T>(
  { progress, signal }: Pick<Workspace, 'progress' | 'signal'>,
  { adopting }: UpperFolder,
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  const endMs = Date.now() + waitMs;
  let isTold = false;
  const wait = async () => {
    if (!isTold) progress.note(`Waiting for another process that adopts from '${name}' just now`);
    isTold = true;
    if (Date.now() >= endMs) throw neverEnds(name, adopting);
    await setTimeout(lookEveryMs, undefined, signal ? { signal } : {});
  };
  return withFlock(adopting, wait, work);
}

function neverEnds(name: string, path: string): ShenvError {
  return new ShenvError(
    'ENVIRONMENT_IN_USE',
    `Another process has been adopting from '${name}' for ten minutes`,
    {
      hint: 'Run the command again when it has ended; nothing was changed.',
      path,
    },
  );
}
