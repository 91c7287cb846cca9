import { compare, explain, type Pep440Version } from '@renovatebot/pep440';
import { ShenvError } from '../base/errors.js';

const operators = ['===', '==', '~=', '!=', '<=', '>=', '<', '>'] as const;
export type VersionOperator = (typeof operators)[number];

/** One comma-separated part of a version specifier (version specifiers specification). */
export interface VersionClause {
  operator: VersionOperator;
  /** Without the trailing `.*` of a wildcard. */
  version: string;
  /** Only with `==` and `!=`. */
  wildcard: boolean;
}

/** PEP 440 order. What is no version under PEP 440 comes before all that are, by its text. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [readVersion(a), readVersion(b)];
  if (left && right) return compare(left.public, right.public) || compareLabels(left.label, right.label);
  if (left || right) return left ? 1 : -1;
  return compareTexts(a, b);
}

/** Whether `version` is an alpha, beta, candidate or development release; false for what is no version. */
export function isPrerelease(version: string): boolean {
  return readVersion(version)?.is_prerelease ?? false;
}

/**
 * Whether `specifier` contains `version`, as `SpecifierSet.contains` of packaging 26 has it: every version
 * is in the empty specifier, a pre-release is in any unless `prereleases` is false, and what is no
 * version is only in `===`. Throws REQUIREMENT for what is no specifier.
 */
export function satisfies(
  version: string,
  specifier: string,
  { prereleases = true }: { prereleases?: boolean } = {},
): boolean {
  const clauses = parseSpecifier(specifier);
  if (!clauses) {
    throw new ShenvError('REQUIREMENT', `'${specifier}' is no version specifier`, {
      hint: 'A specifier reads like >=1.0,<2 (PEP 440).',
      found: specifier,
    });
  }
  if (!prereleases && isPrerelease(version)) return false;
  return clauses.every((clause) => clauseContains(clause, version));
}

/** The clauses of `text`, none for an empty text, undefined when one of them is no specifier. */
export function parseSpecifier(text: string): VersionClause[] | undefined {
  const clauses: VersionClause[] = [];
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const clause = parseClause(part);
    if (!clause) return undefined;
    clauses.push(clause);
  }
  return clauses;
}

/**
 * One operator and its version, or undefined. `>=1.*`, which PEP 440 forbids and old metadata has,
 * means `>=1`; likewise with the other ordered operators.
 */
export function parseClause(text: string): VersionClause | undefined {
  const trimmed = text.trim();
  const operator = operators.find((candidate) => trimmed.startsWith(candidate));
  if (operator === undefined) return undefined;
  const written = trimmed.slice(operator.length).trim();
  if (operator === '===') {
    return /[\s;)]/.test(written) ? undefined : { operator, version: written, wildcard: false };
  }
  const wildcard = written.endsWith('.*');
  const version = wildcard ? written.slice(0, -2) : written;
  const isEquality = operator === '==' || operator === '!=';
  const explained = explain(version);
  if (!explained || (explained.local !== null && !isEquality)) return undefined;
  if (wildcard && (operator === '~=' || !isRelease(explained))) return undefined;
  if (operator === '~=' && explained.release.length < 2) return undefined;
  return { operator, version, wildcard: wildcard && isEquality };
}

export function formatClause({ operator, version, wildcard }: VersionClause): string {
  return `${operator}${version}${wildcard ? '.*' : ''}`;
}

/** Whether `clause` holds for `version`; pre-releases count as any other version. */
export function clauseContains({ operator, version, wildcard }: VersionClause, candidate: string): boolean {
  if (operator === '===') return candidate.toLowerCase() === version.toLowerCase();
  const [left, right] = [readVersion(candidate), readVersion(version)];
  return left !== undefined && right !== undefined && comparisons[operator](left, right, wildcard);
}

/** What the package tells, with the segments of the local version label (it reads `1e5` as a number). */
interface Version extends Pep440Version {
  label: readonly string[];
}

function readVersion(text: string): Version | undefined {
  const explained = explain(text.trim());
  if (!explained) return undefined;
  const [, label] = text.trim().toLowerCase().split('+');
  return { ...explained, label: label === undefined ? [] : label.split(/[-_.]/) };
}

// The package's own `satisfies` is not used: for it 1 is not in ==1.0.*, nor 1.0rc1 in <1.0.post1, nor
// 1.0.post1 in >1.0rc1.

const comparisons: Readonly<
  Record<Exclude<VersionOperator, '==='>, (candidate: Version, bound: Version, wildcard: boolean) => boolean>
> = {
  '==': equals,
  '!=': (candidate, bound, wildcard) => !equals(candidate, bound, wildcard),
  '>=': (candidate, bound) => compare(candidate.public, bound.public) >= 0,
  '<=': (candidate, bound) => compare(candidate.public, bound.public) <= 0,
  '~=': (candidate, bound) =>
    compare(candidate.public, bound.public) >= 0 && startsWith(candidate, bound, bound.release.length - 1),
  '<': (candidate, bound) =>
    compare(candidate.public, bound.is_prerelease ? bound.public : `${bound.public}.dev0`) < 0,
  '>': isAbove,
};

function equals(candidate: Version, bound: Version, wildcard: boolean): boolean {
  if (wildcard) return startsWith(candidate, bound, bound.release.length);
  if (compare(candidate.public, bound.public) !== 0) return false;
  return bound.label.length === 0 || compareLabels(candidate.label, bound.label) === 0;
}

/** Whether the release of `version` begins with the first `count` numbers of that of `prefix`. */
function startsWith(version: Version, prefix: Version, count: number): boolean {
  const wanted = prefix.release.slice(0, count);
  return version.epoch === prefix.epoch && wanted.every((part, at) => part === (version.release[at] ?? 0));
}

/** `>V` leaves out the post-releases of V, unless V is a post-release or development release itself. */
function isAbove(candidate: Version, bound: Version): boolean {
  if (compare(candidate.public, bound.public) <= 0) return false;
  if (bound.is_postrelease || bound.is_devrelease) return true;
  return compare(withoutPost(candidate), bound.public) > 0;
}

function withoutPost(version: Version): string {
  return `${version.base_version}${version.pre?.join('') ?? ''}`;
}

function isRelease(version: Pep440Version): boolean {
  return !version.is_prerelease && !version.is_postrelease && version.local === null;
}

function compareLabels(left: readonly string[], right: readonly string[]): number {
  for (const [at, segment] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    const difference = compareSegments(segment, other);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function compareSegments(left: string, right: string): number {
  const [leftIsNumber, rightIsNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)];
  if (leftIsNumber !== rightIsNumber) return leftIsNumber ? 1 : -1;
  if (!leftIsNumber) return compareTexts(left, right);
  const [a, b] = [left.replace(/^0+(?=\d)/, ''), right.replace(/^0+(?=\d)/, '')];
  return a.length - b.length || compareTexts(a, b);
}

function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
