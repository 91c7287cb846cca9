import { constants } from 'node:os';
import type { Environments } from '../../src/env/environments.js';
import { isSameMark } from '../../src/env/upper-folder.js';

/**
 * What `look` gives, or `busy` where it throws EBUSY for a reason: the environment is writable, which one mount shows, or
 * it was so meanwhile.
 */
export async function unlessShownElsewhere<T>(
  environments: Environments,
  name: string,
  look: () => Promise<T>,
): Promise<T | 'busy'> {
  const upper = environments.upper(name);
  const before = await upper.mark();
  try {
    return await look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).errno !== -constants.errno.EBUSY) throw error;
    const after = await upper.mark();
    if (after.state !== 'writable' && isSameMark(before, after)) throw error;
    return 'busy';
  }
}
