import { availableParallelism } from 'node:os';
import { ShenvError } from '../base/errors.js';
import type { EngineOptions } from './engine.js';
import { decodeMountState, encodeMountState } from './mount-state.js';
import {
  type Agreed,
  loadNativeAddon,
  type NativeAddon,
  type NativeSession,
  type SessionOptions,
} from './native-addon.js';

/** One for each CPU up to here, where each request wakes all of them; measured with bench/trials/threads.ts. */
const mostThreads = 4;
const maxImageDescriptors = 512;
const generatedCacheBytes = 64 << 20;
const hasResend = 1n << 39n;

type Callbacks = Pick<SessionOptions, 'onUpcall' | 'onEnd' | 'onRequest' | 'onForget'>;

/** A session that was not started yet, with what the engine has to know of its mount. */
export interface KernelSession {
  session: NativeSession;
  via: string;
  sole: number | undefined;
  /** As it was mounted, whatever the process that took it over was asked for. */
  writable: boolean;
}

/**
 * Mounts. `sole` is the serial of the environment that is to be the mount's root. A supervisor has copies of the
 * descriptors before the kernel gets its first answer. Throws ENGINE_UNAVAILABLE, MOUNT_FAILED.
 */
export function mountSession(
  options: EngineOptions,
  callbacks: Callbacks,
  sole: number | undefined,
): KernelSession {
  const addon = loadNativeAddon();
  const { mountpoint, allowOther, supervision, writable = false } = options;
  const { fd, via } = callMount(() =>
    addon.mountFuse(mountpoint, { allowOther, writable, fsname: 'shenv-fs', subtype: 'shenv-fs' }),
  );
  const threads = options.threads ?? Math.min(availableParallelism(), mostThreads);
  const session = open(addon, options, callbacks, { fds: [fd], threads, writable, agreed: undefined });
  session.negotiate();
  supervision?.hold(
    session.descriptors(),
    encodeMountState({ via, threads, agreed: session.agreed(), sole, writable }),
  );
  return { session, via, sole, writable };
}

/** As `mountSession`, for the mount of a process that is gone: its caches and all that is open there stay. */
export function takeSessionOver(options: EngineOptions, callbacks: Callbacks): KernelSession {
  const { held } = options.supervision!;
  const { via, sole, threads, agreed, writable } = decodeMountState(held!.state);
  const session = open(loadNativeAddon(), options, callbacks, {
    fds: held!.fds,
    threads,
    agreed,
    writable,
  });
  // Else the session has new descriptors, and what was read through the old ones fails when these are closed.
  if (!(agreed.features & hasResend)) options.supervision!.hold(session.descriptors(), held!.state);
  return { session, via, sole, writable };
}

function open(
  addon: NativeAddon,
  { fullBlocks, isStoreRemote, statfsPath }: EngineOptions,
  callbacks: Callbacks,
  given: { fds: readonly number[]; threads: number; writable: boolean; agreed: Agreed | undefined },
): NativeSession {
  return addon.openSession({
    ...given,
    ...callbacks,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    fullBlocks,
    isStoreRemote,
    statfsPath,
    maxImageDescriptors,
    generatedCacheBytes,
  });
}

function callMount<T>(mount: () => T): T {
  try {
    return mount();
  } catch (cause) {
    throw new ShenvError('MOUNT_FAILED', `Mounting failed: ${(cause as Error).message}`, {
      hint: 'Check that /dev/fuse exists and that fusermount3 is installed (package fuse3).',
      cause,
    });
  }
}
