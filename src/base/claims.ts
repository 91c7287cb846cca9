import { mkdir, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from './atomic-write.js';
import { isRefusal, systemErrorCode } from './errors.js';

/** How many of the newest claims stay as files; older ones are only history. */
const keptClaims = 64;
const claimPattern = /^[1-9][0-9]*$/;

/**
 * Claims the next number of a folder of claims: one empty file a number, created exclusively
 * (O_CREAT|O_EXCL, which holds on NFS v3 and later too), so a number is given once.
 * Only the newest 64 claims stay: the highest is what the next one counts from.
 *
 * A claimant whose listing is so old that it re-creates a pruned number finds, in the listing
 * after its claim, a higher one, gives its claim up and counts on. `first` is asked for the number
 * to begin with when there is no claim yet. What is not durable may be claimed again after the machine has died.
 */
export async function claimNumber(folder: string, first: () => number, isDurable = true): Promise<number> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  for (;;) {
    const taken = await listClaims(folder);
    const candidate = taken.length === 0 ? first() : Math.max(...taken) + 1;
    if (!(await createExclusively(join(folder, String(candidate))))) continue;
    const claims = await listClaims(folder);
    if (claims.some((claim) => claim >= candidate + keptClaims)) continue;
    if (isDurable) await syncFolder(folder);
    await prune(folder, claims);
    return candidate;
  }
}

async function listClaims(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names.filter((name) => claimPattern.test(name)).map(Number);
}

async function createExclusively(path: string): Promise<boolean> {
  try {
    await (await open(path, 'wx', 0o644)).close();
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function prune(folder: string, claims: number[]): Promise<void> {
  const sorted = [...claims].sort((a, b) => b - a);
  for (const claim of sorted.slice(keptClaims * 2)) {
    await unlink(join(folder, String(claim))).catch((error: unknown) => {
      // In a shared (sticky) folder a claim is its owner's to remove.
      if (systemErrorCode(error) !== 'ENOENT' && !isRefusal(error)) throw error;
    });
  }
}
