import { link, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { unless } from '../../base/errors.js';
import { mayRun, type ProcessIdentity, thisBoot, thisProcess } from '../../base/process-identity.js';

/** What a file says of the process that has written it into a folder of copies. */
interface Owner extends ProcessIdentity {
  /** Of a claim: what the copy will take. */
  sizeBytes?: number;
}

const suffix = '.claim';

/** The claim on a copy: who has it is making that copy. */
export function claimOf(pool: string, key: string): string {
  return join(pool, `${key}${suffix}`);
}

/**
 * Takes a claim for a copy of `sizeBytes`; false while a process that may run has it. `staged` is a name on the same disk
 * that no other process uses: who sees a claim sees all of it.
 */
export async function takeClaim(claim: string, staged: string, sizeBytes: number): Promise<boolean> {
  await writeFile(staged, JSON.stringify({ ...thisProcess(), sizeBytes }), { mode: 0o600 });
  try {
    for (let tries = 0; tries < 2; tries += 1) {
      const isTaken = await unless(
        'EEXIST',
        link(staged, claim).then(() => true),
      );
      if (isTaken) return true;
      if ((await hasOwnerEnded(claim)) === false) return false;
      await unless('ENOENT', unlink(claim));
    }
    return false;
  } finally {
    await rm(staged, { force: true });
  }
}

/** What the copies take that are being made. */
export async function claimedBytes(pool: string): Promise<number> {
  let sum = 0;
  for (const file of await readdir(pool)) {
    if (!file.endsWith(suffix)) continue;
    const path = join(pool, file);
    if ((await hasOwnerEnded(path)) === false) sum += (await readOwner(path))?.sizeBytes ?? 0;
  }
  return sum;
}

/** Whether the process has ended that has written the file at `path`; undefined for one that is gone or cut off. */
export async function hasOwnerEnded(path: string): Promise<boolean | undefined> {
  const owner = await readOwner(path);
  const status = await unless('ENOENT', stat(path));
  if (!owner || !status) return undefined;
  // The disk is this host's, so what was written before it was started is of nobody who runs.
  if (owner.host === hostname() && !owner.system.startsWith(thisBoot())) return true;
  return !mayRun(owner, Date.now() - status.mtimeMs);
}

async function readOwner(path: string): Promise<Owner | undefined> {
  const text = await unless('ENOENT', readFile(path, 'utf8'));
  try {
    const owner = JSON.parse(text ?? '') as Partial<Owner> | null;
    return typeof owner?.system === 'string' ? (owner as Owner) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
