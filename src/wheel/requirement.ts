import { ShenvError } from '../base/errors.js';
import { type Marker, type MarkerEnvironment, markerHolds, parseMarker } from './marker.js';
import { formatClause, parseSpecifier } from './version.js';

/** A dependency specifier (PEP 508), taken apart. */
export interface Requirement {
  /** As written, not normalized. */
  name: string;
  /** As written, in order. */
  extras: readonly string[];
  /** Comma-separated clauses without spaces; empty for any version. */
  specifier: string;
  url?: string;
  marker?: Marker;
  /** What was parsed. */
  text: string;
}

const identifier = '[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?';
const headPattern = new RegExp(`^\\s*(${identifier})\\s*(?:\\[([^\\]]*)\\]\\s*)?`);
const extraPattern = new RegExp(`^\\s*${identifier}\\s*$`);
const urlPattern = /^@\s*(\S+)\s*(?:\s;(.*))?$/s;

/**
 * Throws REQUIREMENT. Beside PEP 508 what real metadata has: parentheses around the specifiers, a comma
 * after the last one, `>=1.*` (read as `>=1`), line breaks where there may be spaces.
 */
export function parseRequirement(text: string): Requirement {
  const head = headPattern.exec(text);
  if (!head) throw refuse(text, 'it does not begin with a name');
  const [matched, name = '', bracketed] = head;
  const extras = parseExtras(text, bracketed ?? '');
  const rest = text.slice(matched.length);
  if (rest.startsWith('@')) return { name, extras, specifier: '', ...parseUrl(text, rest), text };
  const semicolon = rest.indexOf(';');
  const specifier = normalizeSpecifier(text, semicolon < 0 ? rest : rest.slice(0, semicolon));
  if (semicolon < 0) return { name, extras, specifier, text };
  return { name, extras, specifier, marker: markerOf(text, rest.slice(semicolon + 1)), text };
}

/** Whether a requirement counts in `environment` for a distribution that `extras` were asked of. */
export function requirementApplies(
  { marker }: Pick<Requirement, 'marker'>,
  environment: MarkerEnvironment,
  extras: readonly string[] = [],
): boolean {
  return marker === undefined || markerHolds(marker, environment, { extras });
}

function parseExtras(text: string, list: string): string[] {
  if (list.trim() === '') return [];
  const extras = list.split(',');
  const wrong = extras.find((extra) => !extraPattern.test(extra));
  if (wrong !== undefined) throw refuse(text, `'${wrong.trim()}' is no name of an extra`);
  return extras.map((extra) => extra.trim());
}

function parseUrl(text: string, rest: string): Pick<Requirement, 'url' | 'marker'> {
  const match = urlPattern.exec(rest);
  if (!match) throw refuse(text, 'an address and a space before ; must come after @');
  const [, url = '', marker] = match;
  return marker === undefined ? { url } : { url, marker: markerOf(text, marker) };
}

function normalizeSpecifier(text: string, written: string): string {
  const trimmed = written.trim();
  const isEnclosed = trimmed.startsWith('(') && trimmed.endsWith(')');
  const list = isEnclosed ? trimmed.slice(1, -1).trim() : trimmed;
  const clauses = /^,|,\s*,/.test(list) ? undefined : parseSpecifier(list);
  if (!clauses) throw refuse(text, `'${trimmed}' is no version specifier`);
  return clauses.map(formatClause).join(',');
}

function markerOf(text: string, written: string): Marker {
  try {
    return parseMarker(written);
  } catch (cause) {
    if (!(cause instanceof ShenvError)) throw cause;
    throw refuse(text, cause.message, cause);
  }
}

function refuse(text: string, reason: string, cause?: ShenvError): ShenvError {
  return new ShenvError('REQUIREMENT', `'${text}' is no requirement: ${reason}`, {
    hint: "A requirement reads like name[extra]>=1.0,<2; python_version < '3.11' (PEP 508).",
    found: text,
    ...(cause ? { cause } : {}),
  });
}
