import { ShenvError } from '../base/errors.js';
import { type Manifest, noInterpreter } from '../manifest/types.js';
import type { Environments } from './environments.js';
import { parseReference } from './name.js';
import type { UpperState } from './upper-folder.js';

/** What may be done with an environment: it may be written to, as yet without an interpreter (bare), or not (sealed). */
export type EnvironmentState = 'writable' | 'bare' | 'sealed';

/** Of an environment; `manifest` is its current generation. */
export async function environmentState(
  environments: Environments,
  { name, interpreter }: Pick<Manifest, 'name' | 'interpreter'>,
): Promise<EnvironmentState> {
  if ((await environments.upper(name).state()) !== 'writable') return 'sealed';
  return interpreter === noInterpreter ? 'bare' : 'writable';
}

/**
 * Whether what `reference` (`NAME` or `NAME@GENERATION`) means is shown otherwise than its manifest composes it; a
 * generation never is.
 */
export async function hasLocalEdits(environments: Environments, reference: string): Promise<boolean> {
  const { name, generation } = parseReference(reference);
  return generation === undefined && environments.upper(name).hasEdits();
}

/** For what is written of an environment for others, who get what its manifest composes. Throws HAS_LOCAL_EDITS. */
export async function assertNoLocalEdits(environments: Environments, reference: string): Promise<void> {
  if (!(await hasLocalEdits(environments, reference))) return;
  throw new ShenvError('HAS_LOCAL_EDITS', `'${reference}' has local edits, which would be left out`, {
    hint: `Take finished distributions into the store with \`shenv-fs adopt ${reference}\`, or use --ignore-edits.`,
  });
}

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
