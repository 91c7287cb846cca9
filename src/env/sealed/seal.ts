import { type Manifest, noInterpreter } from '../../manifest/types.js';
import type { Workspace } from '../workspace.js';
import { readSealed } from './load.js';
import { makeSealed } from './make.js';

export interface Sealed {
  manifest: Manifest;
  /** Size of the sealed metadata. */
  bytes: number;
}

/**
 * Seals an environment: its current generation gets its whole metadata in one file, and from now on each further one
 * when it is published. What it has already is made anew. Throws ENVIRONMENT_MISSING, IMAGE_MISSING.
 */
export async function seal({ environments, store }: Workspace, name: string): Promise<Sealed> {
  const manifest = await environments.read(name);
  const sealed = await makeSealed(store, environments.interpreters, manifest);
  await environments.sealed.write(manifest, sealed);
  await environments.announce(name);
  return { manifest, bytes: sealed.length };
}

/** Removes sealed metadata: later generations get none. False where there were none. */
export async function unseal({ environments }: Workspace, name: string): Promise<boolean> {
  const wasSealed = await environments.sealed.remove(name, () => true);
  if (wasSealed) await environments.announce(name);
  return wasSealed;
}

/** What is wrong with the sealed metadata of current generations, by environment; and how many there are. */
export async function checkSealed({
  environments,
}: Workspace): Promise<{ count: number; faults: { name: string; path: string; message: string }[] }> {
  const faults: { name: string; path: string; message: string }[] = [];
  let count = 0;
  for (const name of await environments.list()) {
    if (!(await environments.sealed.has(name))) continue;
    count += 1;
    const manifest = await environments.read(name);
    if (manifest.interpreter === noInterpreter) continue;
    const path = environments.sealed.pathOf(manifest);
    const found = await readSealed(path, manifest).catch((error: unknown) => error);
    if (found instanceof Error) faults.push({ name, path, message: found.message });
    else if (found === undefined)
      faults.push({ name, path, message: `the current generation of '${name}' is not sealed` });
  }
  return { count, faults };
}
