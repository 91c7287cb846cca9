import { constants } from 'node:fs';
import { access, open, readFile, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { systemErrorCode, unless } from '../../base/errors.js';
import { run } from '../../base/run.js';
import { ownUid } from '../../base/trust.js';
import type { CheckContext, Findings } from '../finding.js';

const device = '/dev/fuse';
const helper = 'fusermount3';
const configuration = '/etc/fuse.conf';
const setuid = 0o4000;
const runTimeoutMs = 10_000;

/** What mounting needs of the system: the device and, for all but root, the helper that mounts. */
export async function checkFuse({ findings, signal }: CheckContext): Promise<void> {
  await checkDevice(findings);
  await checkHelper(findings, signal);
  if (ownUid() !== 0) await checkPrivileges(findings);
  await checkAllowOther(findings);
}

async function checkDevice(findings: Findings): Promise<void> {
  const found = await unless('ENOENT', stat(device));
  if (!found) {
    return findings.problem(
      `There is no ${device}`,
      'As root: modprobe fuse; a container needs the device given to it, for example with --device /dev/fuse.',
    );
  }
  if (!found.isCharacterDevice()) {
    return findings.problem(
      `${device} is no device`,
      `As root: rm -r ${device} and mknod -m 666 ${device} c 10 229.`,
    );
  }
  try {
    await (await open(device, 'r+')).close();
    findings.ok(`${device} can be opened`);
  } catch (error) {
    findings.problem(`${device} cannot be opened: ${systemErrorCode(error)}`, remedyOf(error));
  }
}

function remedyOf(error: unknown): string {
  switch (systemErrorCode(error)) {
    case 'EACCES':
      return `As root: chmod 666 ${device}, as udev's usual rule does.`;
    case 'EPERM':
      return `Let the container or the unit have the device: DeviceAllow=${device} rw, or --device ${device}.`;
    default:
      return 'As root: modprobe fuse.';
  }
}

async function checkHelper(findings: Findings, signal: AbortSignal): Promise<void> {
  const isRoot = ownUid() === 0;
  const path = await findProgram(helper);
  if (path === undefined) {
    const remedy = 'Install the package fuse3.';
    if (isRoot) findings.advice(`There is no ${helper}: only root can mount here`, remedy);
    else findings.problem(`There is no ${helper} on PATH, and users need it to mount`, remedy);
    return;
  }
  const { status, stderr } = await run(path, ['--version'], { timeoutMs: runTimeoutMs, signal });
  if (status !== 0)
    return findings.problem(`${path} does not run: ${stderr.trim()}`, 'Install the package fuse3 again.');
  const { mode, uid } = await stat(path);
  if (uid === 0 && (mode & setuid) !== 0) return findings.ok(`${path} is there and runs as root`);
  const what = `${path} has no set-user-ID bit of root`;
  // A distribution may give it capabilities instead, so the mount that `engines` tries has the last word.
  findings.advice(
    `${what}: users may not be able to mount`,
    `As root: chown root ${path}; chmod 4755 ${path}.`,
  );
}

async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

/** prctl(2), PR_SET_NO_NEW_PRIVS: set-user-ID bits then have no effect. */
async function checkPrivileges(findings: Findings): Promise<void> {
  if (!/^NoNewPrivs:\s*1$/m.test(await readFile('/proc/self/status', 'utf8'))) return;
  findings.problem(
    `This session may not gain privileges, so ${helper} cannot mount`,
    'Start it without NoNewPrivileges= of its systemd unit, or --security-opt no-new-privileges of its container.',
  );
}

async function checkAllowOther(findings: Findings): Promise<void> {
  const text = await unless('ENOENT', readFile(configuration, 'utf8'));
  const isSet = /^\s*user_allow_other\s*$/m.test(text ?? '');
  if (isSet) return findings.ok(`${configuration} has user_allow_other: --allow-other works for all users`);
  const what = `${configuration} has no user_allow_other`;
  if (ownUid() === 0) return findings.ok(`${what}, which root does not need for --allow-other`);
  findings.advice(
    `${what}: mount --allow-other, by which other users see a mount, works for root alone`,
    `Where it is needed, as root: echo user_allow_other >> ${configuration}.`,
  );
}
