import { isVersion } from './filename.js';
import type { WheelLimits } from './limits.js';
import { type Headers, parseHeaders } from './metadata.js';
import { refuseOverLimit, refuseWheel } from './refusal.js';

/** Newer ones may mean by a field what this reader does not know (core metadata, "Metadata-Version"). */
const newestMetadataMajor = 2;
const namePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/;

/**
 * Checks METADATA of a wheel for what parsing alone lets pass: fields that may stand once, name and
 * version in their syntax. Pure. Throws WHEEL_METADATA, naming file and rule.
 */
export function checkCoreMetadata(text: string, path: string, limits: WheelLimits): void {
  const headers = readHeaders(text, path, limits);
  checkOnce(headers, path, ['Metadata-Version', 'Name', 'Version', 'Requires-Python']);
  const [metadataVersion] = headers.get('metadata-version') ?? [];
  if (metadataVersion !== undefined && !isKnownVersion(metadataVersion)) {
    throw refuseWheel(
      'WHEEL_METADATA',
      `${path}: Metadata-Version ${metadataVersion} is not supported`,
      path,
      {
        hint: 'Versions up to 2 are; a newer shenv-fs may know more.',
      },
    );
  }
  const [name] = headers.get('name') ?? [];
  if (name && !namePattern.test(name)) {
    throw refuseWheel('WHEEL_METADATA', `${path}: Name '${name}' is no name of a distribution`, path);
  }
  const [version] = headers.get('version') ?? [];
  if (version && !isVersion(version)) {
    throw refuseWheel('WHEEL_METADATA', `${path}: Version '${version}' is no version`, path);
  }
}

/** The same for WHEEL. */
export function checkWheelMetadata(text: string, path: string, limits: WheelLimits): void {
  const headers = readHeaders(text, path, limits);
  checkOnce(headers, path, ['Wheel-Version', 'Root-Is-Purelib', 'Build']);
  const [purelib] = headers.get('root-is-purelib') ?? [];
  if (purelib && !/^(?:true|false)$/i.test(purelib)) {
    throw refuseWheel('WHEEL_METADATA', `${path}: Root-Is-Purelib is '${purelib}'`, path, {
      expected: 'true or false',
      found: purelib,
    });
  }
}

function readHeaders(text: string, path: string, limits: WheelLimits): Headers {
  if (text.includes('\0')) throw refuseWheel('WHEEL_METADATA', `${path} contains a NUL`, path);
  const headers = parseHeaders(text);
  let count = 0;
  for (const values of headers.values()) count += values.length;
  if (count > limits.headers) {
    const rule = `${path} has more than ${limits.headers} fields`;
    throw refuseOverLimit('WHEEL_METADATA', rule, path, { name: 'headers', limits });
  }
  return headers;
}

function checkOnce(headers: Headers, path: string, names: readonly string[]): void {
  for (const name of names) {
    const values = headers.get(name.toLowerCase()) ?? [];
    if (values.length > 1)
      throw refuseWheel('WHEEL_METADATA', `${path} has ${name} ${values.length} times`, path);
  }
}

function isKnownVersion(version: string): boolean {
  const [, major] = /^([0-9]{1,4})\.[0-9]{1,4}$/.exec(version) ?? [];
  return major !== undefined && Number(major) <= newestMetadataMajor;
}
