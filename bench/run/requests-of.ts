/** FORGET and INTERRUPT come when the kernel likes, and asking for the status is itself no request. */
const leftOut = new Set(['FORGET', 'BATCH_FORGET', 'INTERRUPT', 'INIT', 'DESTROY']);

/**
 * What was sent between two readings of a mount's counters: by opcode, and `all` together. READ is named also where
 * there was none, because that there is none is a target.
 */
export function requestsBetween(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Map<string, number> {
  const sent = new Map<string, number>();
  let all = 0;
  for (const [opcode, now] of Object.entries(after)) {
    const count = now - (before[opcode] ?? 0);
    if (leftOut.has(opcode.toUpperCase()) || (count === 0 && opcode !== 'READ')) continue;
    sent.set(opcode, count);
    all += count;
  }
  return sent.set('all', all);
}
