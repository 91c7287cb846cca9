import { constants, watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { unless } from '../base/errors.js';
import { isNetworkFileSystem } from '../base/file-system.js';
import { parseReference } from '../env/name.js';
import type { Workspace } from '../env/workspace.js';
import type { DaemonOptions } from './daemon-options.js';

const reloadDelayMs = 50;
const defaultPollMs = 30_000;

export interface Watch {
  close(): void;
}

/**
 * Calls `onChange` after environments came, changed or went without a command having told this mount. On a file system
 * of this host the kernel tells; what other hosts do on a shared one it does not see, so there one file is looked at.
 */
export async function watchHome(
  { environments, store }: Workspace,
  { environment, pollMs }: Pick<DaemonOptions, 'environment' | 'pollMs'>,
  onChange: () => void,
): Promise<Watch> {
  const folder = await environments.folder();
  const everyMs = pollMs ?? ((await isNetworkFileSystem(folder)) ? defaultPollMs : undefined);
  const renewals = store.layouts.map(({ renewed }) => renewed);
  if (everyMs !== undefined) return pollFiles([environments.changed, ...renewals], everyMs, onChange);
  const only = environment === undefined ? undefined : parseReference(environment).name;
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(folder, (_, name) => {
    if (only !== undefined && name !== only) return;
    clearTimeout(timer);
    timer = setTimeout(onChange, reloadDelayMs);
  });
  return watcher;
}

/** `everyMs` 0: never. The first look is at once, so that nothing is missed from then on. */
async function pollFiles(paths: readonly string[], everyMs: number, onChange: () => void): Promise<Watch> {
  if (everyMs === 0) return { close: () => undefined };
  let before = await stateOf(paths).catch(() => '');
  let isLooking = false;
  const look = async () => {
    if (isLooking) return;
    isLooking = true;
    // What cannot be read now (the server is away) is no change.
    const state = await stateOf(paths).catch(() => before);
    isLooking = false;
    if (state === before) return;
    before = state;
    onChange();
  };
  const timer = setInterval(() => void look(), everyMs);
  return { close: () => clearInterval(timer) };
}

/**
 * Opened, because only then does a client of NFS ask its server for the attributes that it has cached; not waiting for a
 * FIFO, because a store may be another user's.
 */
async function stateOf(paths: readonly string[]): Promise<string> {
  const states: string[] = [];
  for (const path of paths) {
    const file = await unless('ENOENT', open(path, constants.O_RDONLY | constants.O_NONBLOCK));
    const status = await file?.stat({ bigint: true }).finally(() => file.close());
    states.push(status ? `${status.ino} ${status.size} ${status.mtimeNs}` : '');
  }
  return states.join(', ');
}
