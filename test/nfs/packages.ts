import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/base/run.js';
import { projectRoot } from '../support/sandbox.js';

/** Unpacked Debian packages (test/nfs/fetch-packages.sh), or why they cannot be had. */
export type Packages = { folder: string } | { reason: string };

const fetchTimeoutMs = 120_000;

/** Fetches them where they are not there yet: 45 MB. SHENV_NFS_PACKAGES names another folder for them. */
export async function nfsPackages(): Promise<Packages> {
  if (process.getuid?.() !== 0) return { reason: 'only root may mount with another kernel' };
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const folder = process.env.SHENV_NFS_PACKAGES ?? join(cache, 'shenv-fs/nfs-packages');
  const script = join(projectRoot, 'test/nfs/fetch-packages.sh');
  const { status, stderr } = await run(script, [folder], { timeoutMs: fetchTimeoutMs });
  if (status === 0) return { folder };
  return { reason: stderr.trim().split('\n').at(-1) ?? 'the packages cannot be fetched' };
}
