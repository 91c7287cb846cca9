import { readdirSync, readFileSync } from 'node:fs';

/** What `status` tells for metrics and the doctor alone. */
export interface DaemonFigures {
  /** Of the program that serves. */
  version: string;
  imagesLoaded: number;
  /** How often it has looked what changed. */
  reloads: number;
  /** Bytes of generated files that are kept. */
  generatedBytes: number;
  process: ProcessFigures;
  /** Of the requests, those that were answered with an error, ENOENT too; by operation. */
  errors: Record<string, number>;
}

/** What this process holds of the system's; /proc answers without a disk. */
export interface ProcessFigures {
  openDescriptors: number;
  /** The soft limit of RLIMIT_NOFILE; left out where there is none. */
  descriptorLimit?: number;
  threads: number;
  cpuSeconds: number;
}

export function processFigures(): ProcessFigures {
  const limit = descriptorLimits().soft;
  const { user, system } = process.cpuUsage();
  return {
    openDescriptors: readdirSync('/proc/self/fd').length,
    ...(Number.isFinite(limit) ? { descriptorLimit: limit } : {}),
    threads: readdirSync('/proc/self/task').length,
    cpuSeconds: (user + system) / 1e6,
  };
}

/** RLIMIT_NOFILE of this process (proc(5), limits); Infinity where it is unlimited. */
export function descriptorLimits(): { soft: number; hard: number } {
  const text = readFileSync('/proc/self/limits', 'utf8');
  const [, soft = '', hard = ''] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text) ?? [];
  const parse = (word: string) => (word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word));
  return { soft: parse(soft), hard: parse(hard) };
}
