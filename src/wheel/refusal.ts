import { type ErrorCode, ShenvError } from '../base/errors.js';
import { limitsVariable, type WheelLimits } from './limits.js';

export type WheelErrorCode = Extract<ErrorCode, `WHEEL_${string}`>;

export interface RefusalDetails {
  /** What the user can do; by default, that the publisher has to mend the wheel. */
  hint?: string;
  expected?: string;
  found?: string;
  cause?: unknown;
}

/** The error for a wheel that breaks `rule`; `path` is the member or the file at fault. */
export function refuseWheel(
  code: WheelErrorCode,
  rule: string,
  path: string,
  { hint, expected, found, cause }: RefusalDetails = {},
): ShenvError {
  const comparison = expected === undefined ? '' : ` (expected ${expected}, found ${found || 'none'})`;
  return new ShenvError(code, printable(`${rule}${comparison}`), {
    hint: hint ?? 'The wheel is refused; ask its publisher for a mended one.',
    path,
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The error for a wheel over a limit that the user may raise. */
export function refuseOverLimit(
  code: WheelErrorCode,
  rule: string,
  path: string,
  { name, limits }: { name: keyof WheelLimits; limits: WheelLimits },
): ShenvError {
  return refuseWheel(code, rule, path, {
    hint: `If you trust it, raise the limit: ${limitsVariable}=${name}=…`,
    expected: `at most ${limits[name]}`,
    found: 'more',
  });
}

const longestStart = 1000;
const longestEnd = 400;

/** Without what moves a terminal's cursor, turns its writing round, or fills its screen. */
export function printable(text: string): string {
  const shown =
    text.length > longestStart + longestEnd
      ? `${text.slice(0, longestStart)}…${text.slice(-longestEnd)}`
      : text;
  return shown.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}
