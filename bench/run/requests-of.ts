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

/** Counting is repeated until two agree, at most so often. */
const mostTries = 4;

/**
 * The least of each count over a few tries: what disturbs, such as another process that drops the caches, only adds. A
 * count that one try lacks is 0 in it.
 */
export async function leastCounts(
  count: () => Promise<ReadonlyMap<string, number>>,
): Promise<Map<string, number>> {
  let last = await count();
  const tries = [last];
  while (tries.length < mostTries) {
    const next = await count();
    tries.push(next);
    if (isEqual(last, next)) break;
    last = next;
  }
  const names = new Set(tries.flatMap((one) => [...one.keys()]));
  return new Map([...names].map((name) => [name, Math.min(...tries.map((one) => one.get(name) ?? 0))]));
}

function isEqual(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}
