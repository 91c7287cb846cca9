import { readFileSync } from 'node:fs';
import type { LastEnd, Supervision } from './supervision.js';

/** What `status` tells of the supervisor of a mount. */
export interface SupervisionStatus {
  pid: number;
  /** False once the supervisor has died: nobody starts another process when this one dies. */
  isWatching: boolean;
  /** Resident set of the supervisor. */
  memoryBytes: number;
  /** Serving processes that died. */
  deaths: number;
  /** How the process before this one ended. */
  lastEnd?: LastEnd;
  /** From that end until this process served. */
  toServiceMs?: number;
}

/** `servesSinceMs` is when this process began to serve, in milliseconds since 1970. */
export function supervisionStatus(supervision: Supervision, servesSinceMs: number): SupervisionStatus {
  const { supervisor, isWatched, deaths, lastEnd } = supervision;
  return {
    pid: supervisor.pid,
    isWatching: isWatched,
    memoryBytes: isWatched ? residentBytes(supervisor.pid) : 0,
    deaths,
    ...(lastEnd === undefined ? {} : { lastEnd, toServiceMs: servesSinceMs - lastEnd.timeMs }),
  };
}

/** VmRSS of proc(5); 0 for a process that is not to be seen. */
function residentBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
