import { readFile } from 'node:fs/promises';

/** Requests that a client sent for one mount so far, by operation: /proc/self/mountstats, as mountstats(8) reads it. */
export async function operationsOf(mountpoint: string): Promise<Map<string, number>> {
  const text = await readFile('/proc/self/mountstats', 'utf8');
  const own = text.split(/^device /m).find((part) => part.includes(` mounted on ${mountpoint} with `)) ?? '';
  const counts = new Map<string, number>();
  for (const [, name = '', count = ''] of own.matchAll(/^\s+([A-Z_]+): (\d+) /gm)) {
    if (Number(count) > 0) counts.set(name, Number(count));
  }
  return counts;
}

/** What was sent between two looks. */
export function difference(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Record<string, number> {
  const changed = [...after].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(changed.filter(([, count]) => count > 0));
}
