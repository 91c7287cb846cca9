import { ShenvError } from '../base/errors.js';

/** A wheel's file name, taken apart as PEP 427 and the platform compatibility tags define it. */
export interface WheelFilename {
  /** As written in the name, escapes kept. */
  distribution: string;
  version: string;
  build: string | undefined;
  pythonTags: string[];
  abiTags: string[];
  platformTags: string[];
}

const namePattern = /^([^\s/-]+)-([^\s/-]+)(?:-([0-9][^\s/-]*))?-([^\s/-]+)-([^\s/-]+)-([^\s/-]+)\.whl$/u;
/** Each text matches in one way only: with two, a hostile one takes time without end. */
const versionPattern =
  /^v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*(?:[-_.]?[a-z]+(?![a-z])(?:[-_.]?[0-9]+|[-_.](?![-_.a-z0-9]))?)*(?:-[0-9]+)?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$/i;

/** Throws WHEEL_NAME when `filename` (no folder) is not a wheel's. */
export function parseWheelFilename(filename: string): WheelFilename {
  const match = namePattern.exec(filename);
  if (!match) {
    throw new ShenvError('WHEEL_NAME', `'${filename}' is not a wheel's file name`, {
      hint: 'A wheel is named {distribution}-{version}[-{build}]-{python}-{abi}-{platform}.whl (PEP 427).',
      path: filename,
    });
  }
  const [, distribution = '', version = '', build, python = '', abi = '', platform = ''] = match;
  if (
    !/^[A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?$/.test(distribution) ||
    !isVersion(version.replaceAll('_', '-'))
  ) {
    throw new ShenvError('WHEEL_NAME', `'${filename}' names no valid distribution and version`, {
      hint: 'The name follows PEP 508, the version PEP 440.',
      path: filename,
    });
  }
  return {
    distribution,
    version,
    build,
    pythonTags: python.split('.'),
    abiTags: abi.split('.'),
    platformTags: platform.split('.'),
  };
}

/** Every `python-abi-platform` tag that the file name's compressed tag set stands for. */
export function expandTags(name: WheelFilename): string[] {
  return name.pythonTags.flatMap((python) =>
    name.abiTags.flatMap((abi) => name.platformTags.map((platform) => `${python}-${abi}-${platform}`)),
  );
}

/** PEP 503: lower case, runs of '-', '_' and '.' become one '-'. */
export function normalizeName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}

export function isVersion(text: string): boolean {
  return text.length <= 128 && versionPattern.test(text);
}

/** Equal under PEP 440 normalisation as far as names of folders and files differ in practice. */
export function sameVersion(a: string, b: string): boolean {
  return canonicalVersion(a) === canonicalVersion(b);
}

/** A comparable spelling: lower case, one spelling for each separator, no leading zeros or trailing '.0'. */
export function canonicalVersion(version: string): string {
  const [, epoch = '', release = '', rest = '', local] =
    /^v?(?:0*([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)([^+]*)(?:\+(.*))?$/s.exec(version.toLowerCase()) ?? [];
  if (release === '') return version;
  const numbers = release.split('.').map((part) => part.replace(/^0+(?=[0-9])/, ''));
  while (numbers.length > 1 && numbers.at(-1) === '0') numbers.pop();
  const suffix = rest
    .replace(/^-([0-9]+)/, '.post$1')
    .replace(/[-_.]?(alpha|beta|preview|pre|post|rev|dev|rc|a|b|c|r)[-_.]?/g, (_, word: string) =>
      suffixWord(word),
    )
    .replace(/(a|b|rc|\.post|\.dev)(?![0-9])/g, '$10')
    .replace(/([a-z])0+(?=[0-9])/g, '$1');
  const prefix = epoch === '' || epoch === '0' ? '' : `${epoch}!`;
  return `${prefix}${numbers.join('.')}${suffix}${local === undefined ? '' : `+${local.replace(/[-_]/g, '.')}`}`;
}

function suffixWord(word: string): string {
  if (word === 'alpha' || word === 'a') return 'a';
  if (word === 'beta' || word === 'b') return 'b';
  if (word === 'post' || word === 'rev' || word === 'r') return '.post';
  if (word === 'dev') return '.dev';
  return 'rc';
}
