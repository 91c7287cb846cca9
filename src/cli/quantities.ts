import { ShenvError } from '../base/errors.js';

const secondsOf: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const bytesOf: Readonly<Record<string, number>> = {
  '': 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};

/** `0`, `90`, `30s`, `10m`, `12h`, `7d`, `2w` in milliseconds. Throws USAGE. */
export function parseAge(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([smhdw]?)$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * secondsOf[unit]! * 1000;
  throw new ShenvError('USAGE', `'${text}' is no length of time`, {
    hint: 'Write seconds, or a number with s, m, h, d or w: 12h, 7d.',
  });
}

/** `1000`, `500M`, `10G`, `1.5TiB` in bytes; units are powers of 1024. Throws USAGE. */
export function parseSize(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  if (number !== undefined) return Math.floor(Number(number) * bytesOf[unit.toLowerCase()]!);
  throw new ShenvError('USAGE', `'${text}' is no size`, {
    hint: 'Write bytes, or a number with K, M, G or T: 500M, 10G.',
  });
}

/** A whole number of at least `least`. Throws USAGE. */
export function parseCount(option: string, text: string, least: number): number {
  if (/^\d+$/.test(text) && Number(text) >= least) return Number(text);
  throw new ShenvError('USAGE', `${option} takes a whole number of at least ${least}, not '${text}'`, {
    hint: `For example: ${option} ${Math.max(least, 3)}`,
  });
}
