/** The rounds of `npm run fuzz:wheels`, in a process of their own: a hang or a crash is its parent's to see. */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { putWheel } from '../../src/store/put.js';
import { Store } from '../../src/store/store.js';
import { writeWheel } from '../support/wheel-builder.js';
import { checkWheel } from './check-wheel.js';
import { drawWheel } from './draw-wheel.js';
import { compareWithZipfile } from './second-opinion.js';

/** What the parent asks for, as JSON in the first argument. */
export interface RoundsWanted {
  folder: string;
  seed: number;
  first: number;
  rounds: number;
  seconds: number;
  /** Paths of real wheels. */
  real: readonly string[];
}

/** What the parent is told. */
export type RoundsNews =
  | { kind: 'begin'; round: number }
  | { kind: 'finding'; round: number; text: string; wheel: string }
  | { kind: 'end'; rounds: number; outcomes: Record<string, number>; largestBytes: number };

const batchFiles = 200;
const mostBytes = 700 * 2 ** 20;

async function main(wanted: RoundsWanted): Promise<void> {
  const { folder, seed, first, rounds, seconds, real } = wanted;
  const store = new Store(join(folder, 'inner', 'store'));
  await putWheel(store, await writeWheel(folder, { name: 'other', files: { 'other.py': 'x = 1\n' } }));
  const outcomes: Record<string, number> = {};
  const accepted = new Map<string, Record<string, string>>();
  const until = Date.now() + seconds * 1000;
  let [round, largestBytes] = [first, 0];
  for (; round < first + rounds && Date.now() < until; round += 1) {
    tell({ kind: 'begin', round });
    const drawn = await drawWheel(seed, round, real);
    const wheel = join(folder, 'wheels', String(round), drawn.fileName);
    await mkdir(join(folder, 'wheels', String(round)), { recursive: true });
    await writeFile(wheel, drawn.data);
    try {
      const outcome = await checkWheel(store, wheel);
      const name = 'refused' in outcome ? outcome.refused : 'accepted';
      outcomes[name] = (outcomes[name] ?? 0) + 1;
      if ('accepted' in outcome) accepted.set(wheel, outcome.accepted);
    } catch (error) {
      await find(
        wanted,
        round,
        wheel,
        error instanceof Error ? (error.stack ?? error.message) : String(error),
      );
    }
    largestBytes = Math.max(largestBytes, process.memoryUsage.rss());
    if (largestBytes > mostBytes)
      await find(wanted, round, wheel, `it takes ${largestBytes} bytes of memory`);
    if (accepted.size >= batchFiles) await compareBatch(wanted, accepted);
    if (!accepted.has(wheel)) await rm(join(folder, 'wheels', String(round)), { recursive: true });
  }
  await compareBatch(wanted, accepted);
  tell({ kind: 'end', rounds: round - first, outcomes, largestBytes });
}

async function compareBatch(
  wanted: RoundsWanted,
  accepted: Map<string, Record<string, string>>,
): Promise<void> {
  for (const difference of await compareWithZipfile(accepted)) {
    const wheel = difference.slice(0, difference.indexOf(': '));
    await find(wanted, Number(wheel.split('/').at(-2)), wheel, difference);
  }
  for (const wheel of accepted.keys()) await rm(wheel);
  accepted.clear();
}

async function find(
  { folder, seed }: RoundsWanted,
  round: number,
  wheel: string,
  text: string,
): Promise<void> {
  const kept = join(folder, `finding-${seed}-${round}.whl`);
  await copyFile(wheel, kept);
  tell({ kind: 'finding', round, text, wheel: kept });
}

function tell(news: RoundsNews): void {
  process.send?.(news);
}

await main(JSON.parse(process.argv[2] ?? '{}') as RoundsWanted);
process.disconnect?.();
