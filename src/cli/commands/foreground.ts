import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { ShenvError, systemErrorCode } from '../../base/errors.js';

export interface ForegroundOptions {
  env: NodeJS.ProcessEnv;
  /** What SIGTERM is handed on as; interactive shells ignore SIGTERM and end at SIGHUP. */
  terminateWith?: NodeJS.Signals;
}

/** The terminal sends these to every process of its foreground group by itself. */
const terminalSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];
const endingSignals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP'];

/**
 * Runs a program with this process's stdin, stdout and stderr, outlives it, and gives the exit status
 * that a shell would: the program's own, or 128 and the signal's number. A signal that the program
 * does not get from the terminal is handed on to it. Throws PROGRAM_MISSING when it cannot be started.
 */
export async function runInForeground(
  program: string,
  args: readonly string[],
  options: ForegroundOptions,
): Promise<number> {
  let child: ChildProcess | undefined;
  const handOn = (signal: NodeJS.Signals) => {
    if (terminalSignals.includes(signal) && isForegroundOfTerminal()) return;
    child?.kill(signal === 'SIGTERM' ? (options.terminateWith ?? signal) : signal);
  };
  const signals = [...terminalSignals, ...endingSignals];
  for (const signal of signals) process.on(signal, handOn);
  try {
    child = spawn(program, args, { stdio: 'inherit', env: options.env });
    const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return signal === null ? (status ?? 1) : 128 + constants.signals[signal];
  } catch (cause) {
    throw programMissing(program, cause);
  } finally {
    for (const signal of signals) process.off(signal, handOn);
  }
}

/** Whether Ctrl-C reaches this process's group: field 5 (pgrp) equals field 8 (tpgid) of proc(5) stat. */
function isForegroundOfTerminal(): boolean {
  const text = readFileSync('/proc/self/stat', 'utf8');
  const [, , group, , , foreground] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return group === foreground;
}

function programMissing(program: string, cause: unknown): unknown {
  const code = systemErrorCode(cause);
  if (code === 'EACCES') {
    return new ShenvError('PROGRAM_MISSING', `'${program}' may not be run`, {
      hint: 'Name a file that is executable, or give it to its interpreter: `python FILE`.',
      cause,
    });
  }
  if (code !== 'ENOENT' && code !== 'ENOTDIR') return cause;
  const where = program.includes('/') ? '' : ', neither in the environment nor on PATH';
  return new ShenvError('PROGRAM_MISSING', `There is no program '${program}'${where}`, {
    hint: 'Check its name; a distribution that has it may be missing from the environment.',
    cause,
  });
}
