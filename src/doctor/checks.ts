import type { Check } from './finding.js';
import { type CheckContext, type Finding, Findings } from './finding.js';

interface KnownCheck {
  /** Beyond it, something that it touches hangs. */
  deadlineMs: number;
  load(): Promise<Check>;
}

const usualMs = 20_000;

/** In the order in which people read of them. */
export const checks = {
  fuse: { deadlineMs: usualMs, load: async () => (await import('./checks/fuse.js')).checkFuse },
  engines: { deadlineMs: 90_000, load: async () => (await import('./checks/engines.js')).checkEngines },
  limits: { deadlineMs: usualMs, load: async () => (await import('./checks/limits.js')).checkLimits },
  home: { deadlineMs: usualMs, load: async () => (await import('./checks/folders.js')).checkHome },
  runtime: { deadlineMs: usualMs, load: async () => (await import('./checks/folders.js')).checkRuntime },
  store: { deadlineMs: usualMs, load: async () => (await import('./checks/store.js')).checkStores },
  interpreters: {
    deadlineMs: 120_000,
    load: async () => (await import('./checks/interpreters.js')).checkInterpreters,
  },
  resolvers: { deadlineMs: 60_000, load: async () => (await import('./checks/resolvers.js')).checkResolvers },
  mounts: { deadlineMs: 60_000, load: async () => (await import('./checks/mounts.js')).checkMounts },
} satisfies Record<string, KnownCheck>;

export type CheckName = keyof typeof checks;

export const checkNames = Object.keys(checks) as CheckName[];

/** Runs a check in this process. Never throws: a check that does is a problem itself. */
export async function runCheck(
  name: CheckName,
  { places, signal }: Omit<CheckContext, 'findings'>,
  tell: (finding: Finding) => void,
): Promise<void> {
  const findings = new Findings(name, tell);
  try {
    const check = await checks[name].load();
    await check({ places, findings, signal });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    findings.problem(
      `The check could not be finished: ${reason}`,
      'Mend that first, and run the doctor again.',
    );
  }
}
