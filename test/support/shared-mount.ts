import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { skip } from './interpreters.js';
import { engines } from './mounts.js';
import { Sandbox } from './sandbox.js';

/** What all tests of one file share: a sandbox and its mount. */
export interface SharedMount {
  sandbox: Sandbox;
  mountpoint: string;
}

export type SharedCase<T> = (
  title: string,
  body: (t: ExecutionContext, shared: SharedMount & T) => Promise<void>,
) => void;

/** The kernel's engine where the tests use it at all. */
const engine = engines.includes('kernel') ? 'kernel' : engines[0]!;

/**
 * Mounts once for a whole file and lets `prepare` make what its tests share; gives the function that registers
 * a test. Tests run one by one; where the engine is not part of this build they pass and say so.
 */
export function sharedMount<T extends object>(
  prepare: (shared: SharedMount) => Promise<T> | T,
): SharedCase<T> {
  let sandbox: Sandbox | undefined;
  let shared: (SharedMount & T) | undefined;
  test.before('mount and make what the tests share', async () => {
    sandbox = await Sandbox.make();
    try {
      const mounted = { sandbox, mountpoint: await sandbox.mount(engine) };
      shared = { ...mounted, ...(await prepare(mounted)) };
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('[ENGINE_UNAVAILABLE]')) throw error;
    }
  });
  test.after.always('unmount', async () => sandbox?.destroy());
  return (title, body) =>
    test.serial(`${engine}: ${title}`, async (t) => {
      if (shared) await body(t, shared);
      else skip(t, `the engine ${engine} is not part of this build`);
    });
}

/** Whether a program is on PATH. */
export function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, program)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
