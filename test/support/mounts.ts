import { readdir, rm } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { run } from '../../src/base/run.js';
import { skip } from './interpreters.js';
import { Sandbox } from './sandbox.js';

export { eventually } from './eventually.js';

/** Engines that the tests mount with: SHENV_TEST_ENGINES, comma-separated. */
export const engines = (process.env.SHENV_TEST_ENGINES ?? 'fuse-native,kernel').split(',').filter(Boolean);

export async function sandboxOf(t: ExecutionContext): Promise<Sandbox> {
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy().catch((error: unknown) => clearAway(sandbox, error)));
  return sandbox;
}

/** A mount that `destroy` does not know or cannot see must not stay when the test ends. */
async function clearAway(sandbox: Sandbox, error: unknown): Promise<never> {
  for (const name of await readdir(sandbox.folder)) {
    await run('umount', ['-l', '--', sandbox.path(name)], { timeoutMs: 20_000 });
  }
  await rm(sandbox.folder, { recursive: true, force: true });
  throw error;
}

/** Mounts, or gives undefined where the engine is not part of this build; the test then passes and says so. */
export async function mountOrSkip(
  t: ExecutionContext,
  sandbox: Sandbox,
  engine: string,
  name = 'mnt',
  ...options: string[]
): Promise<string | undefined> {
  try {
    return await sandbox.mount(engine, name, ...options);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('[ENGINE_UNAVAILABLE]')) throw error;
    skip(t, `the engine ${engine} is not part of this build`);
    return undefined;
  }
}

export interface Mounted {
  sandbox: Sandbox;
  mountpoint: string;
  engine: string;
}

/** One test for each engine, with a mount of its own that shows an empty home; mounted tests run one by one. */
export function mountedTest(
  title: string,
  body: (t: ExecutionContext, mounted: Mounted) => Promise<void>,
): void {
  for (const engine of engines) {
    test.serial(`${engine}: ${title}`, async (t) => {
      const sandbox = await sandboxOf(t);
      const mountpoint = await mountOrSkip(t, sandbox, engine);
      if (mountpoint) await body(t, { sandbox, mountpoint, engine });
    });
  }
}
