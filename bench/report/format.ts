import type { Unit } from './result.js';

/** Three significant digits, no exponent: 0.0123, 1.23, 12.3, 123, 1,230. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = Number(value.toPrecision(3));
  const text = rounded.toFixed(Math.min(digits, 6));
  return Math.abs(rounded) < 1000 ? text : rounded.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** A value with the unit that fits its size. */
export function formatValue(value: number, unit: Unit): string {
  if (unit === 'count') return Number(value.toFixed(1)).toLocaleString('en-US');
  if (unit === 'bytes') return formatBytes(value);
  const us = unit === 'us' ? value : value * 1000;
  if (us < 1000) return `${formatNumber(us)} us`;
  return us < 1e6 ? `${formatNumber(us / 1000)} ms` : `${formatNumber(us / 1e6)} s`;
}

function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let [value, step] = [bytes, 0];
  for (; Math.abs(value) >= 1024 && step < units.length - 1; step += 1) value /= 1024;
  return `${formatNumber(value)} ${units[step]}`;
}

export function formatRatio(ratio: number | undefined): string {
  return ratio === undefined ? '-' : formatNumber(ratio);
}

/** A mark of an axis: 0.1, 5, 10K, 2M. */
export function formatTick(value: number): string {
  const options = { notation: 'compact', maximumSignificantDigits: 3 } as const;
  return new Intl.NumberFormat('en-US', options).format(value);
}
