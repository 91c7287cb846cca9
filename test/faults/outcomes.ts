import { membersOf, type Outcome } from './disturbed-command.js';
import type { Tally } from './fault-point.js';
import { type State, Violation } from './invariants.js';
import type { FailureFault } from './plan.js';

/** 130 when nothing was changed, 0 when the work was done; a signal's death only before there was a handler. */
export function assertInterrupted({ status, signal, stderr }: Outcome, state: State): void {
  if (status === 0) return;
  if (status === 130 && state === 'old' && stderr.includes('interrupted')) return;
  if (signal === 'SIGINT' && state === 'old') return;
  throw new Violation(`Ctrl-C ended it with ${status ?? signal} in its ${state} state: ${stderr}`);
}

export async function assertAlone(group: number): Promise<void> {
  const members = await membersOf(group);
  if (members.length > 0) throw new Violation(`Ctrl-C left behind: ${members.join('; ')}`);
}

export function assertClean(left: readonly string[]): void {
  if (left.length > 0) throw new Violation(`it left ${left.join(', ')}`);
}

/** Calls without which nothing can be cleaned up. */
const cleaning = new Set(['unlink', 'rm', 'rmdir', 'rename']);

/**
 * A command that the system has failed tells it in one sentence that names the path, and cleans up if it can; one
 * that could do without the call has done its work. That write(2) takes a part only is no failure.
 */
export function assertFailed(
  { failure }: FailureFault,
  { status, signal, stderr }: Outcome,
  state: State,
  { failed }: Tally,
  left: readonly string[],
): void {
  const how = `${failure} in ${failed.join(', ')}`;
  if (status === null) throw new Violation(`${how}: it ended with ${signal}: ${stderr}`);
  if (status !== 0) {
    if (failure === 'short') throw new Violation(`${how}: a short write led to ${stderr}`);
    assertTold(how, stderr);
  } else if (failed.length === 0 && state === 'between') throw new Violation('it did half of its work');
  if (!failed.some((name) => cleaning.has(name))) assertClean(left);
}

function assertTold(how: string, stderr: string): void {
  const [, message = '', code = ''] = /^shenv-fs: (.*) \[([A-Z_]+)\]$/m.exec(stderr) ?? [];
  if (code === '' || code === 'UNEXPECTED' || /^\s+at /m.test(stderr))
    throw new Violation(`${how}: this is no error of a user's: ${stderr}`);
  if (/^E[A-Z]+$/.test(code) && !message.includes('/'))
    throw new Violation(`${how}: no path is named: ${stderr}`);
}
