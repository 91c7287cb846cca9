import { open } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { ShenvError } from '../../base/errors.js';
import { loadSystemCalls } from '../../upper/system-calls.js';
import type { UpperFolder } from '../upper-folder.js';
import type { Workspace } from '../workspace.js';

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
  const calls = loadSystemCalls();
  const file = await open(adopting, 'a', 0o600);
  try {
    const endMs = Date.now() + waitMs;
    for (let isTold = false; !calls.lockFile(file.fd); isTold = true) {
      if (!isTold) progress.note(`Waiting for another process that adopts from '${name}' just now`);
      if (Date.now() >= endMs) throw neverEnds(name, adopting);
      await setTimeout(lookEveryMs, undefined, signal ? { signal } : {});
    }
    return await work();
  } finally {
    await file.close();
  }
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
