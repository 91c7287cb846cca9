import { readdir, readFile } from 'node:fs/promises';
import type { Sample } from './flatness.js';

/** A process of a daemon, as its status names it: `pid`, `supervisor.pid`. */
export interface WatchedProcess {
  name: string;
  pid: number;
  samples: Sample[];
}

const intervalMs = 1000;

/** Every process id that a status tells, wherever it stands. */
export function processesOf(status: unknown, path = ''): WatchedProcess[] {
  if (typeof status !== 'object' || status === null) return [];
  return Object.entries(status).flatMap(([key, value]) => {
    const name = path === '' ? key : `${path}.${key}`;
    if (/pid$/i.test(key) && typeof value === 'number') return [{ name, pid: value, samples: [] }];
    return processesOf(value, name);
  });
}

/** Takes a sample of each process every second until `end`, which throws when one of them has ended meanwhile. */
export class ProcessWatch {
  readonly processes: readonly WatchedProcess[];
  readonly #startedMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  #sampling: Promise<void> = Promise.resolve();
  #lost: string | undefined;

  constructor(processes: readonly WatchedProcess[]) {
    this.processes = processes;
    this.#timer = setInterval(() => {
      this.#sampling = this.#sampling.then(() => this.#sampleAll());
    }, intervalMs);
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sampling;
    if (this.#lost !== undefined) throw new Error(this.#lost);
  }

  async #sampleAll(): Promise<void> {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    for (const { name, pid, samples } of this.processes) {
      try {
        samples.push({ seconds, ...(await readHeld(pid)) });
      } catch (error) {
        this.#lost ??= `the process ${name} (${pid}) cannot be looked at: ${(error as Error).message}`;
      }
    }
  }
}

async function readHeld(pid: number): Promise<Omit<Sample, 'seconds'>> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(text)?.[1]);
  const descriptors = (await readdir(`/proc/${pid}/fd`)).length;
  const memoryBytes = field('VmRSS') * 1024;
  if (!(memoryBytes > 0)) throw new Error('it has ended');
  return { memoryBytes, descriptors, threads: field('Threads') };
}
