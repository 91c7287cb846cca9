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

const longestPauseMs = 1200;

/** Kills the process that serves the one supervised mount of a runtime folder at random moments, until it is stopped. */
export function killNowAndThen(runtimeFolder: string, seed: number): Killing {
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
