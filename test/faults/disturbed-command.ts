import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { unless } from '../../src/base/errors.js';
import { program } from '../support/sandbox.js';
import type { FaultPoint, Tally } from './fault-point.js';
import type { Fault, Measure } from './plan.js';

export interface Command {
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** File of this command alone. */
  countFile: string;
}

export interface Outcome {
  status: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
  /** Process group of the program and of what it started. */
  group: number;
  /** Whether it had to be ended because it did not end in time. */
  hung: boolean;
}

const preload = fileURLToPath(new URL('fault-points.cjs', import.meta.url));
const hangMs = 90_000;

/** Runs `shenv-fs` in a process group of its own, as a shell does, and disturbs it where `fault` says. */
export async function runDisturbed(command: Command, fault?: Fault, undisturbedMs = 0): Promise<Outcome> {
  const { args, cwd } = command;
  const FAULT_POINT = JSON.stringify(pointOf(command, fault));
  const child = spawn(process.execPath, ['--require', preload, program, ...args], {
    env: { ...command.env, FAULT_POINT },
    cwd,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const group = child.pid!;
  const outcome: Outcome = { status: null, signal: null, stderr: '', group, hung: false };
  child.stderr.on('data', (text) => {
    outcome.stderr += String(text);
  });
  const timers = [
    setTimeout(() => {
      outcome.hung = true;
      sendSignal(-group, 'SIGKILL');
    }, hangMs),
  ];
  if (fault && 'signal' in fault && 'fraction' in fault.at) {
    const { signal, target } = fault;
    const pid = target === 'group' ? -group : group;
    timers.push(setTimeout(() => sendSignal(pid, signal), fault.at.fraction * undisturbedMs));
  }
  await new Promise<void>((resolve) => {
    child.once('exit', (status, signal) => {
      for (const timer of timers) clearTimeout(timer);
      Object.assign(outcome, { status, signal });
    });
    child.once('close', () => resolve());
  });
  return outcome;
}

/** Runs it undisturbed. Throws when it fails. */
export async function measure(command: Command): Promise<Measure> {
  const startedMs = performance.now();
  const { status, stderr } = await runDisturbed(command);
  if (status !== 0) throw new Error(`shenv-fs ${command.args.join(' ')} ended with ${status}: ${stderr}`);
  const durationMs = performance.now() - startedMs;
  return { durationMs, calls: (await readTally(command)).calls };
}

/** What the program counted, which must have ended by itself. */
export async function readTally({ countFile }: Command): Promise<Tally> {
  return JSON.parse(await readFile(countFile, 'utf8')) as Tally;
}

function pointOf({ countFile }: Command, fault: Fault | undefined): FaultPoint {
  if (fault === undefined || 'fraction' in fault.at) return { call: 0, countFile };
  const { at, ...how } = fault;
  return { call: at.call, ...how, countFile };
}

/** Nothing happens when there is no such process any more. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Processes of a group that still run, by their command lines (proc_pid_stat(5)). */
export async function membersOf(group: number): Promise<string[]> {
  if (!isThere(-group)) return [];
  const members: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readProcess(pid, 'stat');
    const [state, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(processGroup) !== group || state === 'Z') continue;
    members.push((await readProcess(pid, 'cmdline')).replaceAll('\0', ' ').trim());
  }
  return members;
}

/** Whether the kernel knows the process, or any of a group: a zombie too. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Empty where the process is gone. */
async function readProcess(pid: string, file: string): Promise<string> {
  const text = await unless('ENOENT', readFile(`/proc/${pid}/${file}`, 'utf8')).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  });
  return text ?? '';
}
