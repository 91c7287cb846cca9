import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { systemErrorCode } from '../base/errors.js';
import { programFile } from '../base/package-files.js';
import { type CheckName, checks } from './checks.js';
import type { Finding } from './finding.js';

export interface ExamineOptions {
  signal: AbortSignal;
  /** In milliseconds; else each check has its own. */
  deadlineMs?: number;
  /** After that, in milliseconds, for a check to take away what it has made. */
  graceMs?: number;
  /** What checks a thing in a process of its own and tells findings as JSON lines; else this program. */
  command?: (name: CheckName) => [program: string, args: string[]];
}

const atOnce = 3;
const usualGraceMs = 8_000;
const lastErrorCharacters = 300;

/**
 * Runs each check in a child process with a deadline: one that crashes or hangs, in a system call that nothing ends,
 * costs only what it would have told after that. Findings come in the order of `names`.
 */
export async function examine(names: readonly CheckName[], options: ExamineOptions): Promise<Finding[]> {
  const found = new Map<CheckName, Finding[]>();
  const waiting = [...names];
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      found.set(name, await runApart(name, options));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  options.signal.throwIfAborted();
  return names.flatMap((name) => found.get(name) ?? []);
}

function ownCommand(name: CheckName): [string, string[]] {
  return [process.execPath, [programFile, 'doctor', '--here', '--only', name]];
}

async function runApart(name: CheckName, options: ExamineOptions): Promise<Finding[]> {
  const { signal, deadlineMs = checks[name].deadlineMs, command = ownCommand } = options;
  const { graceMs = usualGraceMs } = options;
  const findings: Finding[] = [];
  const [program, args] = command(name);
  // A group of its own: what the check has started is ended with it.
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const said = listen(child, findings);
  const end = await ending(child, { signal, deadlineMs, graceMs });
  if (end !== 'exited') {
    const what = `The check did not end within ${deadlineMs / 1000} s: something that it touches hangs`;
    const remedy =
      'Look for a network file system or a mount that does not answer, and run the doctor again.';
    findings.push({ check: name, level: 'problem', what, remedy });
  } else if (child.exitCode !== 0) {
    const how = child.signalCode === null ? `with status ${child.exitCode}` : `by ${child.signalCode}`;
    const what = `The check ended ${how}: ${said.errors.trim().slice(-lastErrorCharacters)}`;
    findings.push({
      check: name,
      level: 'problem',
      what,
      remedy: 'Mend that first, and run the doctor again.',
    });
  }
  return findings;
}

function listen(child: ChildProcess, findings: Finding[]): { errors: string } {
  const said = { errors: '' };
  createInterface({ input: child.stdout! }).on('line', (line) => {
    if (line.startsWith('{')) findings.push(JSON.parse(line) as Finding);
  });
  child.stderr!.setEncoding('utf8').on('data', (text) => {
    said.errors += String(text);
  });
  child.on('error', ({ message }) => {
    said.errors += message;
  });
  return said;
}

/** `exited`, with all output read; or `given up`: then the child is left to the kernel, which may not end it now. */
function ending(
  child: ChildProcess,
  { signal, deadlineMs, graceMs }: { signal: AbortSignal; deadlineMs: number; graceMs: number },
): Promise<'exited' | 'given up'> {
  return new Promise((resolve) => {
    let grace: NodeJS.Timeout | undefined;
    const settle = (how: 'exited' | 'given up') => {
      clearTimeout(deadline);
      clearTimeout(grace);
      signal.removeEventListener('abort', stop);
      resolve(how);
    };
    const giveUp = () => {
      sendToGroup(child, 'SIGKILL');
      child.unref();
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
      settle('given up');
    };
    const stop = () => {
      child.kill('SIGTERM');
      grace ??= setTimeout(giveUp, graceMs);
    };
    const deadline = setTimeout(stop, deadlineMs);
    signal.addEventListener('abort', stop);
    child.on('error', () => settle('exited'));
    child.on('close', () => settle(grace === undefined ? 'exited' : 'given up'));
    if (signal.aborted) stop();
  });
}

function sendToGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}
