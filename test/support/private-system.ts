import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Finished, run } from '../../src/base/run.js';
import { skip } from './interpreters.js';
import { projectRoot, type Sandbox } from './sandbox.js';

const sessionTimeoutMs = 60_000;

/** Where `install.sh` has put things; programs are at their places under the prefix. */
export interface Installed {
  prefix: string;
  sbin: string;
}

export async function installScripts(sandbox: Sandbox): Promise<Installed> {
  const script = join(projectRoot, 'mount-scripts', 'install.sh');
  const [root, prefix] = [sandbox.path('installed'), sandbox.path('prefix')];
  const { status, stderr } = await sandbox.run(script, ['--root', root, '--prefix', prefix]);
  if (status !== 0) throw new Error(stderr);
  await sandbox.run('ln', ['-sfn', join(root, prefix), prefix]);
  return { prefix, sbin: join(root, 'sbin') };
}

const session = `set -e
mount -t overlay overlay -o "lowerdir=$1:/usr/sbin" /usr/sbin
mount --bind "$2" /etc/fstab
exec bash "$3"
`;

/** When the first of them ends, all are ended. */
const ownProcesses = ['--pid', '--fork', '--kill-child', '--mount-proc'];

export interface PrivateSession {
  fstab?: string;
  script: string;
  /** Without a PID namespace, in which autofs cannot be mounted: the script has to end what it starts. */
  sharesProcesses?: boolean;
}

/**
 * Runs a bash script as root in a mount namespace of its own, where what `install.sh` installed is in /sbin and `fstab`
 * is /etc/fstab, and a PID namespace of its own; undefined where that cannot be, and the test has said so. What it mounts and starts is gone when it ends.
 */
export async function runInPrivate(
  t: ExecutionContext,
  sandbox: Sandbox,
  { sbin }: Installed,
  { fstab = '', script, sharesProcesses = false }: PrivateSession,
): Promise<Finished | undefined> {
  await chmod(sandbox.folder, 0o755);
  const [table, steps, start] = ['fstab', 'steps.sh', 'session.sh'].map((name) => sandbox.path(name));
  await writeFile(table!, fstab);
  await writeFile(steps!, script);
  await writeFile(start!, session);
  const isolated = ['--mount', '--propagation', 'private', ...(sharesProcesses ? [] : ownProcesses)];
  const able = await run('unshare', [...isolated, 'sh', start!, sbin, table!, '/dev/null'], {
    timeoutMs: sessionTimeoutMs,
  }).catch((error: Error) => ({ status: -1, stderr: error.message }));
  if (able.status !== 0) {
    skip(t, `no mount namespace with an overlay of /usr/sbin can be had here: ${able.stderr}`);
    return undefined;
  }
  return sandbox.run('unshare', [...isolated, 'sh', start!, sbin, table!, steps!], sessionTimeoutMs);
}
