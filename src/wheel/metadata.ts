import { ShenvError } from '../base/errors.js';
import { printable } from './refusal.js';

/** Header fields by lower-case name, each with its values in order (RFC 822 style, PEP 566). */
export type Headers = ReadonlyMap<string, readonly string[]>;

/**
 * Parses the header block of METADATA or WHEEL; the body is left out. It begins after the first empty
 * line, or with the first line that is no header, as it does for Python's email package.
 */
export function parseHeaders(text: string): Headers {
  const fields = new Map<string, string[]>();
  let last: string[] | undefined;
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line === '') break;
    if (/^[ \t]/.test(line)) {
      if (last) last[last.length - 1] += `\n${line.trimStart()}`;
      continue;
    }
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    if (!/^[!-9;-~]+:/.test(line)) break;
    const name = line.slice(0, colon).toLowerCase();
    last = fields.get(name) ?? [];
    last.push(line.slice(colon + 1).trim());
    fields.set(name, last);
  }
  return fields;
}

function firstValue(headers: Headers, name: string): string | undefined {
  return headers.get(name.toLowerCase())?.[0];
}

/** Core metadata as far as environments need it (core metadata specification). */
export interface CoreMetadata {
  name: string;
  version: string;
  summary: string;
  requiresPython: string | undefined;
  requiresDist: string[];
  providesExtra: string[];
}

/** Throws WHEEL_METADATA when Name or Version is missing. */
export function parseCoreMetadata(text: string, path: string): CoreMetadata {
  const headers = parseHeaders(text);
  return {
    name: required(headers, 'Name', path),
    version: required(headers, 'Version', path),
    summary: firstValue(headers, 'Summary') ?? '',
    requiresPython: firstValue(headers, 'Requires-Python'),
    requiresDist: [...(headers.get('requires-dist') ?? [])],
    providesExtra: [...(headers.get('provides-extra') ?? [])],
  };
}

/** The WHEEL file (binary distribution format, "The .dist-info directory"). */
export interface WheelMetadata {
  rootIsPurelib: boolean;
  tags: string[];
}

/** Throws WHEEL_METADATA for a missing field or a major version other than 1. */
export function parseWheelMetadata(text: string, path: string): WheelMetadata {
  const headers = parseHeaders(text);
  const version = required(headers, 'Wheel-Version', path);
  if (!/^1\.[0-9]+$/.test(version)) {
    throw new ShenvError('WHEEL_METADATA', `${path}: Wheel-Version ${printable(version)} is not supported`, {
      hint: 'Versions 1.x are; a newer shenv-fs may know more.',
      path,
      expected: '1.x',
      found: version,
    });
  }
  return {
    rootIsPurelib: required(headers, 'Root-Is-Purelib', path).toLowerCase() === 'true',
    tags: [...(headers.get('tag') ?? [])],
  };
}

function required(headers: Headers, name: string, path: string): string {
  const value = firstValue(headers, name);
  if (value) return value;
  throw new ShenvError('WHEEL_METADATA', `${path} has no ${name} field`, {
    hint: 'The wheel is not built as the specification says; ask its publisher for a mended one.',
    path,
  });
}
