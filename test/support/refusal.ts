import type { ExecutionContext } from 'ava';
import { type ErrorCode, ShenvError } from '../../src/base/errors.js';

/**
 * Asserts that `operation` is refused as a user's error with this code, that the message holds every
 * one of `says`, and that there is a hint of a remedy. Gives the error.
 */
export async function refused(
  t: ExecutionContext,
  code: ErrorCode,
  says: readonly (string | RegExp)[],
  operation: () => unknown,
): Promise<ShenvError> {
  const error = await caught(operation);
  if (!(error instanceof ShenvError)) {
    t.fail(`expected ${code}, got ${error === undefined ? 'no error' : String(error)}`);
    throw error ?? new Error('nothing was refused');
  }
  t.is(error.code, code, error.message);
  for (const text of says) {
    if (typeof text === 'string') t.true(error.message.includes(text), `${error.message} lacks ${text}`);
    else t.regex(error.message, text);
  }
  t.truthy(error.hint, `no remedy: ${error.message}`);
  return error;
}

async function caught(operation: () => unknown): Promise<unknown> {
  try {
    await operation();
    return undefined;
  } catch (error) {
    return error;
  }
}
