import { writeFile } from 'node:fs/promises';
import { run } from '../../../src/base/run.js';

const commandTimeoutMs = 180_000;

/** Runs a program of the guest and gives its stdout. Throws when it fails or takes too long. */
export async function must(program: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, { timeoutMs: commandTimeoutMs });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr || stdout}`);
}

/** Both the server's caches and the client's: they are one kernel's. */
export async function dropCaches(): Promise<void> {
  await writeFile('/proc/sys/vm/drop_caches', '3');
}

export async function loadModules(packages: string, names: readonly string[]): Promise<void> {
  for (const name of names) await must('modprobe', '-d', `${packages}/root`, name);
}
