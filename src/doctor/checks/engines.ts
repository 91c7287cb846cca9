import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programFile } from '../../base/package-files.js';
import { type Finished, run } from '../../base/run.js';
import type { DaemonStatus } from '../../mount/daemon-status.js';
import { type EngineName, engineNames } from '../../mount/engine.js';
import { isMounted, unmountPath } from '../../mount/mountpoint.js';
import type { CheckContext, Findings } from '../finding.js';

const commandTimeoutMs = 25_000;

/** What the engine `kernel` agrees on with a kernel that has it, and what people notice without. */
const features: readonly (readonly [flag: string, without: string])[] = [
  ['NO_OPEN_SUPPORT', 'every open and close of a file costs a round trip'],
  ['NO_OPENDIR_SUPPORT', 'listings are not kept from one open to the next'],
  ['DO_READDIRPLUS', 'a listing does not bring the attributes of what it lists'],
  ['PARALLEL_DIROPS', 'look-ups in one folder wait for each other'],
  ['CACHE_SYMLINKS', 'links are read again each time'],
  ['MAX_PAGES', 'reads come in pieces of 128 KiB'],
];
const resendSince = [6, 9];

/** Mounts for real, with each engine, an empty home in a temporary folder. */
export async function checkEngines({ findings, signal }: CheckContext): Promise<void> {
  const trials = new Map<EngineName, Trial>();
  for (const engine of engineNames) trials.set(engine, await tryEngine(engine, signal));
  const kernel = trials.get('kernel')!;
  const portable = trials.get('fuse-native')!;
  if (kernel.status) {
    findings.ok('A mount with the engine kernel answers');
    await tellFeatures(kernel.status, findings);
  } else if (portable.status) {
    findings.advice(
      `The engine kernel does not work, the slower fuse-native does: ${kernel.reason}`,
      kernel.remedy,
    );
  } else {
    findings.problem(`Nothing can be mounted with the engine kernel: ${kernel.reason}`, kernel.remedy);
  }
  if (portable.status) findings.ok('A mount with the engine fuse-native answers');
  else if (kernel.status)
    findings.ok(`The engine fuse-native, which only stands in for kernel, does not work: ${portable.reason}`);
  else findings.problem(`Nor with the engine fuse-native: ${portable.reason}`, portable.remedy);
}

type Trial = { status: DaemonStatus } | { status: undefined; reason: string; remedy: string };

async function tryEngine(engine: EngineName, signal: AbortSignal): Promise<Trial> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'shenv-fs-doctor-')));
  const mountpoint = join(folder, 'mnt');
  try {
    return await tryMount(engine, { folder, mountpoint, signal });
  } finally {
    if (await isMounted(mountpoint)) await unmountPath(mountpoint, true);
    await rm(folder, { recursive: true, force: true });
  }
}

interface Place {
  folder: string;
  mountpoint: string;
  signal: AbortSignal;
}

async function tryMount(engine: EngineName, { folder, mountpoint, signal }: Place): Promise<Trial> {
  const env = {
    ...process.env,
    SHENV_HOME: join(folder, 'home'),
    SHENV_STORE: join(folder, 'store'),
    SHENV_RUNTIME: join(folder, 'run'),
  };
  // Not ended by the signal: a daemon that is about to mount has to be waited for, so that it can be taken away.
  const shenv = async (...args: string[]): Promise<Finished> => {
    signal.throwIfAborted();
    return run(process.execPath, [programFile, ...args], { env, timeoutMs: commandTimeoutMs, cwd: folder });
  };
  const mounted = await shenv('mount', mountpoint, '--engine', engine);
  if (mounted.status !== 0) return failure(mounted);
  // Never by this process itself: a mount that hangs would hang it too.
  const listed = await run('ls', ['-a', '--', mountpoint], { signal, timeoutMs: commandTimeoutMs });
  const status = await shenv('status', mountpoint, '--json');
  const unmounted = await shenv('unmount', mountpoint);
  for (const finished of [listed, status, unmounted]) if (finished.status !== 0) return failure(finished);
  return { status: (JSON.parse(status.stdout) as DaemonStatus[])[0]! };
}

/** The two lines of an error of ours: its cause, its remedy. */
function failure({ status, stderr }: Finished): Trial {
  const [cause = '', remedy] = stderr.trim().split(/\n {2}-> /);
  const reason = status === null ? 'it does not answer in time' : cause.replace(/^shenv-fs: /, '');
  return { status: undefined, reason, remedy: remedy ?? 'Run `shenv-fs mount --foreground` to see why.' };
}

async function tellFeatures({ negotiated }: DaemonStatus, findings: Findings): Promise<void> {
  const flags = Array.isArray(negotiated.flags) ? (negotiated.flags as string[]) : [];
  const remedy = 'A newer kernel has it (all of these are in 5.10 and later).';
  for (const [flag, without] of features)
    if (!flags.includes(flag)) findings.advice(`The kernel has no FUSE_${flag}: ${without}`, remedy);
  findings.ok(`Protocol ${String(negotiated.protocol)} with ${flags.join(', ')}`);
  const release = await readFile('/proc/sys/kernel/osrelease', 'utf8');
  if (!flags.includes('HAS_RESEND') && isOlder(release)) {
    findings.advice(
      `Kernel ${release.trim()} cannot send requests again: those that a daemon was answering when it died fail`,
      `Linux ${resendSince.join('.')} and later can.`,
    );
  }
}

/** By number alone, so it is a hint: distributions bring single features to older kernels. */
function isOlder(release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  return major < resendSince[0]! || (major === resendSince[0] && minor < resendSince[1]!);
}
