import type { ExecutionContext } from 'ava';
import type { Finished } from '../../src/base/run.js';
import { skip } from './interpreters.js';
import { program, type Sandbox } from './sandbox.js';

interface Told {
  problems: number;
  findings: { check: string; level: string; what: string; remedy?: string }[];
}

/** What `doctor --json` said, and how it ended. */
export interface Diagnosis extends Told {
  status: number | null;
  stderr: string;
  /** `what` and remedy of the findings of one level, a line each. */
  of(level: 'ok' | 'advice' | 'problem'): string;
}

export function diagnosisOf({ status, stdout, stderr }: Finished): Diagnosis {
  if (!stdout.startsWith('{')) throw new Error(`no diagnosis (${status}): ${stdout} ${stderr}`);
  const told = JSON.parse(stdout) as Told;
  const of = (wanted: string) =>
    told.findings
      .filter(({ level }) => level === wanted)
      .map(({ check, what, remedy }) => `${check}: ${what} -> ${remedy}`)
      .join('\n');
  return { ...told, status, stderr, of };
}

export function doctorCommand(...checks: string[]): string[] {
  const only = checks.length === 0 ? [] : ['--only', checks.join(',')];
  return [process.execPath, program, 'doctor', '--json', ...only];
}

export async function diagnose(sandbox: Sandbox, ...checks: string[]): Promise<Diagnosis> {
  const [node = '', ...args] = doctorCommand(...checks);
  return diagnosisOf(await sandbox.run(node, args));
}

/**
 * Runs `command` in a mount namespace of its own, after `script` of sh(1) has changed the mounts there, which end with
 * it. Undefined where that is not allowed, and the test has said so.
 */
export async function inBrokenSystem(
  t: ExecutionContext,
  sandbox: Sandbox,
  script: string,
  command: readonly string[],
): Promise<Finished | undefined> {
  const apart = ['--mount', '--propagation', 'private', 'sh', '-ec'];
  const able = await sandbox.run('unshare', [...apart, 'mount -t tmpfs none /mnt']).catch(() => undefined);
  if (able?.status !== 0) {
    skip(t, `this process cannot mount in a namespace of its own: ${able?.stderr ?? 'there is no unshare'}`);
    return undefined;
  }
  return sandbox.run('unshare', [...apart, `${script}\n"$@"`, '-', ...command]);
}
