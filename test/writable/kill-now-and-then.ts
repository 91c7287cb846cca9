import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { DaemonRecord } from '../../src/mount/runtime.js';
import { seededRandom } from '../faults/random.js';
import { killServer } from '../support/supervised.js';

export interface Killing {
  readonly deaths: number;
  stop(): Promise<void>;
}

const longestPauseMs = 800;
/** So often the next process is killed on its way already. */
const shareInStart = 0.2;

export interface KillingOptions {
  /** Of the one supervised mount. */
  runtimeFolder: string;
  seed: number;
  /** Resolves when a request that no cache can answer was answered. */
  untilAnswered(): Promise<unknown>;
}

/** Kills the process that serves a mount at random moments, until it is stopped. */
export function killNowAndThen({ runtimeFolder, seed, untilAnswered }: KillingOptions): Killing {
  const random = seededRandom(seed);
  const ending = new AbortController();
  const killing = { deaths: 0, stop };
  const done = repeat();
  return killing;

  async function repeat(): Promise<void> {
    const supervisor = await supervisorOf(runtimeFolder);
    while (!ending.signal.aborted) {
      await setTimeout(random() * longestPauseMs, undefined, { signal: ending.signal }).catch(
        () => undefined,
      );
      if (ending.signal.aborted) return;
      await killServer(supervisor);
      killing.deaths += 1;
      if (random() >= shareInStart) await untilAnswered();
    }
  }

  async function stop(): Promise<void> {
    ending.abort();
    await done;
  }
}

async function supervisorOf(folder: string): Promise<number> {
  const file = (await readdir(folder)).find((name) => name.endsWith('.json'));
  if (file === undefined) throw new Error('no daemon has a record');
  return (JSON.parse(await readFile(join(folder, file), 'utf8')) as DaemonRecord).supervisor!.pid;
}
