import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemErrorCode } from './errors.js';

/** Which process wrote something that others find later, on this host or on another one. */
export interface ProcessIdentity {
  host: string;
  /** Boot and PID namespace (proc(5), pid_namespaces(7)): within one, `pid` and `startTicks` mean one process. */
  system: string;
  pid: number;
  /** Field 22 of /proc/<pid>/stat, in clock ticks since boot. */
  startTicks: number;
}

export function thisProcess(): ProcessIdentity {
  return {
    host: hostname(),
    system: thisSystem(),
    pid: process.pid,
    startTicks: startTicksOf(process.pid) ?? 0,
  };
}

/** Whether that process runs; undefined where it cannot be told, because it is of another host or container. */
export function isRunning({ system, pid, startTicks }: ProcessIdentity): boolean | undefined {
  if (system !== thisSystem()) return undefined;
  return startTicksOf(pid) === startTicks;
}

function thisSystem(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
}

/** Undefined where there is no such process, or only what its parent has not waited for. */
function startTicksOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : Number(rest[18]);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}
