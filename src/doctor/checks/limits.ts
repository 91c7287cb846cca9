import { watch } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemErrorCode } from '../../base/errors.js';
import { descriptorLimits } from '../../mount/figures.js';
import type { CheckContext, Findings } from '../finding.js';

/** What a daemon opens at most: 512 images for the kernel, 256 for generated files, and what the runtime itself has. */
const wantedDescriptors = 1024;

export async function checkLimits({ findings }: CheckContext): Promise<void> {
  findings.ok(`Linux ${release()}, Node.js ${process.versions.node}`);
  checkDescriptors(findings);
  await checkWatches(findings);
}

/** Node.js raises its soft limit to the hard one when it starts, so the hard one is what a daemon has. */
function checkDescriptors(findings: Findings): void {
  const { hard } = descriptorLimits();
  const what = `A process may open ${Number.isFinite(hard) ? hard : 'any number of'} descriptors`;
  const lack = `${what}, and a mount of many images wants ${wantedDescriptors}: reading from it may fail`;
  const remedy =
    'Raise the hard limit: LimitNOFILE= of a systemd unit, nofile in limits.conf, or ulimit -Hn.';
  if (hard >= wantedDescriptors) findings.ok(what);
  else findings.problem(lack, remedy);
}

/** Mounts see through inotify(7) what other hosts and restored backups change in the home. */
async function checkWatches(findings: Findings): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'shenv-fs-doctor-'));
  try {
    watch(folder).close();
    findings.ok('Folders can be watched');
  } catch (error) {
    findings.problem(
      `Folders cannot be watched (${systemErrorCode(error)}): mounts would not start`,
      'Raise fs.inotify.max_user_instances and fs.inotify.max_user_watches with sysctl.',
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
