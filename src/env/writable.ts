import type { Environments } from './environments.js';
import type { UpperState } from './upper-folder.js';

/** Makes an environment writable, with a new upper layer or the one that it has; durable. False where it was. */
export async function makeWritable(environments: Environments, name: string): Promise<boolean> {
  const upper = environments.upper(name);
  const state = await upper.state();
  if (state === 'writable') return false;
  if (state === 'frozen') await upper.thaw();
  else await upper.make();
  await environments.announce(name);
  return true;
}

/**
 * Keeps an environment from being written to, and what it has in its upper layer; durable. Gives what it was: nothing is
 * done where that is `none` or `frozen`.
 */
export async function freezeUpper(environments: Environments, name: string): Promise<UpperState> {
  const upper = environments.upper(name);
  const state = await upper.state();
  if (state !== 'writable') return state;
  await upper.freeze();
  await environments.announce(name);
  return state;
}
