import { unless } from '../../base/errors.js';
import { isNetworkFileSystem } from '../../base/file-system.js';
import { collectGarbage, type Garbage } from '../../env/collect-garbage.js';
import type { Workspace } from '../../env/workspace.js';
import { listRecords, reloadImages } from '../../mount/runtime.js';
import type { FoundLease } from '../../store/leases.js';
import { parseAge, parseCount, parseSize } from '../quantities.js';
import { formatBytes, plural, type Report } from '../render.js';
import { formatTable } from '../table.js';
import { firstStoreLines } from './store-usage.js';

export interface GcOptions {
  keep?: string;
  olderThan: string;
  maxSize?: string;
  wait: string;
  settle?: string;
  dryRun?: boolean;
}

/** Twice acdirmax of nfs(5): what a look-up and a listing of leases remember adds up. */
const networkSettleMs = 150_000;

export async function collectStore(workspace: Workspace, options: GcOptions): Promise<Report> {
  const { places } = workspace;
  const garbage = await collectGarbage(workspace, {
    keep: options.keep === undefined ? undefined : parseCount('--keep', options.keep, 1),
    protectedGenerations: await mountedGenerations(workspace),
    olderThanMs: parseAge(options.olderThan),
    maxBytes: options.maxSize === undefined ? undefined : parseSize(options.maxSize),
    isDryRun: options.dryRun === true,
    waitMs: parseAge(options.wait),
    settleMs: options.settle === undefined ? await settleMsOf(places.store) : parseAge(options.settle),
  });
  if (garbage.removed.length > 0 && !options.dryRun) await reloadImages(places.runtime, places.store, []);
  return {
    data: dataOf(garbage),
    text: [textOf(garbage, options), ...firstStoreLines(workspace.store)].join('\n'),
  };
}

/** `web@3` where that generation is mounted alone. */
async function mountedGenerations({ places }: Workspace): Promise<string[]> {
  const records = await listRecords(places.runtime);
  return records.flatMap(({ home, environment }) =>
    home === places.home && environment !== undefined ? [environment] : [],
  );
}

async function settleMsOf(store: string): Promise<number> {
  return (await unless('ENOENT', isNetworkFileSystem(store))) ? networkSettleMs : 0;
}

function dataOf(garbage: Garbage): unknown {
  const bytes = (images: readonly { bytes: number }[]) => images.reduce((sum, item) => sum + item.bytes, 0);
  const { removed, waiting, waitingFor, kept, generations, leftovers } = garbage;
  const list = (images: readonly { place: string; bytes: number }[]) =>
    images.map(({ place, bytes: size }) => ({ image: place, bytes: size }));
  return {
    removed: list(removed),
    bytes: bytes(removed),
    generations,
    leftovers,
    waiting: list(waiting),
    waitingFor: waitingFor.map(({ host, pid, what }) => ({ host, pid, what })),
    tooYoung: list(kept.young),
    withinSize: list(kept.withinSize),
    shown: list(garbage.shown),
    store: { images: garbage.images - removed.length, bytes: garbage.bytes - bytes(removed) },
  };
}

function textOf(garbage: Garbage, { dryRun }: GcOptions): string {
  const { removed, kept, waiting, waitingFor, generations, leftovers } = garbage;
  const size = (images: readonly { bytes: number }[]) =>
    formatBytes(images.reduce((sum, { bytes }) => sum + bytes, 0));
  const lines: string[] = [];
  if (removed.length > 0 && dryRun)
    lines.push(
      formatTable(
        ['IMAGE', 'SIZE'],
        removed.map(({ place, bytes }) => [place, formatBytes(bytes)]),
      ),
    );
  const verb = dryRun ? 'would be removed' : 'removed';
  if (generations.length > 0) lines.push(`${plural(generations.length, 'old generation')} ${verb}`);
  lines.push(`${plural(removed.length, 'image')} ${verb}, ${size(removed)}`);
  if (leftovers > 0) lines.push(`${plural(leftovers, 'half-written file')} removed`);
  if (kept.young.length > 0)
    lines.push(
      `${plural(kept.young.length, 'unused image')} kept, ${size(kept.young)}: used not long ago (--older-than)`,
    );
  if (kept.withinSize.length > 0)
    lines.push(
      `${plural(kept.withinSize.length, 'unused image')} kept, ${size(kept.withinSize)}: the store is within --max-size`,
    );
  if (garbage.shown.length > 0)
    lines.push(
      `${plural(garbage.shown.length, 'image')} kept, ${size(garbage.shown)}: shown by a mount within the last day`,
    );
  if (waiting.length > 0)
    lines.push(
      `${plural(waiting.length, 'image')}, ${size(waiting)}, left to the next gc: still running ${describe(waitingFor)}`,
    );
  return lines.join('\n');
}

function describe(leases: readonly FoundLease[]): string {
  return leases.map(({ what, pid, host }) => `'${what}' (process ${pid} on ${host})`).join(', ');
}
