import test, { type ExecutionContext } from 'ava';
import { engines, mountOrSkip, sandboxOf } from './mounts.js';
import type { Sandbox } from './sandbox.js';

/** A test with a supervised mount of its own, of the one engine that can be; `variables` are its environment's. */
export function supervisedTest(
  title: string,
  body: (t: ExecutionContext, sandbox: Sandbox, mountpoint: string) => Promise<void>,
  variables: NodeJS.ProcessEnv = {},
): void {
  if (!engines.includes('kernel')) return;
  test.serial(`kernel: ${title}`, async (t) => {
    const sandbox = await sandboxOf(t);
    Object.assign(sandbox.variables, variables);
    const mountpoint = await mountOrSkip(t, sandbox, 'kernel');
    if (mountpoint) await body(t, sandbox, mountpoint);
  });
}
