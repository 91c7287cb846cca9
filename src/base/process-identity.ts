import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemErrorCode } from './errors.js';

/** Which process wrote something that others find later, on this host or on another one. */
export interface ProcessIdentity {
  host: string;
  /** Boot and PID namespace (proc(5), pid_namespaces(7)): on one host, `pid` and `startTicks` then mean one process. */
  system: string;
  pid: number;
  /** Field 22 of /proc/<pid>/stat, in clock ticks since boot. */
  startTicks: number;
}

export function thisProcess(): ProcessIdentity {
  return processIdentity(process.pid);
}

/** Of a process of this PID namespace that is there. */
export function processIdentity(pid: number): ProcessIdentity {
  return {
    host: hostname(),
    system: thisSystem(),
    pid,
    startTicks: startTicksOf(pid) ?? 0,
  };
}

export function isSameProcess(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return one.system === other.system && one.pid === other.pid && one.startTicks === other.startTicks;
}

/** Whether that process runs; undefined where it cannot be told: it is of another host or container, or hidden. */
export function isRunning({ host, system, pid, startTicks }: ProcessIdentity): boolean | undefined {
  if (host !== hostname() || system !== thisSystem()) return undefined;
  const there = startTicksOf(pid);
  if (there !== undefined) return there === startTicks;
  // With the mount option hidepid of proc(5), processes of other users seem not to be there.
  return isAlive(pid) ? undefined : false;
}

/** How long a process whose end cannot be seen is believed to run after its last sign of life. */
const believedMs = 24 * 3_600_000;

/** Whether it is to be taken for running; `silentMs` is the time since it, known or not, last gave a sign of life. */
export function mayRun(identity: ProcessIdentity | undefined, silentMs: number): boolean {
  return (identity && isRunning(identity)) ?? silentMs < believedMs;
}

/** Whether this PID namespace has a process with this id, whichever it is, that has not ended. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return startTicksOf(pid) !== 0;
  } catch (error) {
    return systemErrorCode(error) !== 'ESRCH';
  }
}

/** Another one each time that the host is started. */
export function thisBoot(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function thisSystem(): string {
  return `${thisBoot()} ${readlinkSync('/proc/self/ns/pid')}`;
}

/** 0 for what its parent has not waited for; undefined where no process is to be seen. */
function startTicksOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? 0 : Number(rest[18]);
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EPERM', 'EACCES'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}
