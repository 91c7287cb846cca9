import type { ArchiveEntry } from './archive.js';
import type { RecordRow } from './record.js';
import { refuseWheel } from './refusal.js';

export interface ExpectedDigest {
  algorithm: 'sha256' | 'sha384' | 'sha512';
  /** URL-safe base64 without padding. */
  value: string;
}

const unhashed = ['RECORD', 'RECORD.jws', 'RECORD.p7s'];
const digestBytes: Readonly<Record<ExpectedDigest['algorithm'], number>> = {
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

/**
 * What RECORD says of each file of the wheel (binary distribution format, "The .dist-info directory"):
 * every file has a row with a strong hash, RECORD itself and its signatures need none, and no row is
 * of a file that is not there. Pure. Throws WHEEL_RECORD, naming RECORD, the file and the rule.
 */
export function matchRecord(
  distInfo: string,
  entries: readonly ArchiveEntry[],
  rows: readonly RecordRow[],
): Map<string, ExpectedDigest> {
  const recordPath = `${distInfo}/RECORD`;
  const exempt = new Set(unhashed.map((name) => `${distInfo}/${name}`));
  const byPath = new Map(entries.map((entry) => [entry.path as string, entry]));
  const expected = new Map<string, ExpectedDigest>();
  for (const row of rows) {
    const entry = byPath.get(row.path);
    if (!entry) throw refuse(`${recordPath} lists '${row.path}', which the wheel lacks`, row);
    if (row.path === recordPath && row.hash !== '') {
      throw refuse(`${recordPath} gives a hash of '${row.path}', itself`, row);
    }
    if (exempt.has(row.path) && row.hash === '') continue;
    if (row.size !== '' && row.size !== String(entry.sizeBytes)) {
      throw refuse(`${recordPath}: size of '${row.path}'`, row, String(entry.sizeBytes), row.size);
    }
    const digest = parseHash(row, recordPath);
    const earlier = expected.get(row.path);
    if (earlier && (earlier.algorithm !== digest.algorithm || earlier.value !== digest.value)) {
      throw refuse(`${recordPath} lists '${row.path}' twice and differently`, row);
    }
    expected.set(row.path, digest);
  }
  for (const { path } of entries) {
    if (!exempt.has(path) && !expected.has(path))
      throw refuse(`${recordPath} does not list '${path}'`, { path });
  }
  return expected;
}

function parseHash(row: RecordRow, recordPath: string): ExpectedDigest {
  const match = /^(sha256|sha384|sha512)=([A-Za-z0-9_-]+)(={0,2})$/.exec(row.hash);
  if (!match) {
    throw refuse(`${recordPath} gives no usable hash of '${row.path}'`, row, 'sha256 or better', row.hash);
  }
  const [, algorithm = '', value = ''] = match;
  const digest = { algorithm: algorithm as ExpectedDigest['algorithm'], value };
  const bytes = Buffer.from(value, 'base64url');
  if (bytes.length !== digestBytes[digest.algorithm] || bytes.toString('base64url') !== value) {
    throw refuse(
      `${recordPath} gives no hash of ${algorithm}'s length of '${row.path}'`,
      row,
      algorithm,
      value,
    );
  }
  return digest;
}

function refuse(rule: string, { path }: Pick<RecordRow, 'path'>, expected?: string, found?: string): Error {
  return refuseWheel(
    'WHEEL_RECORD',
    rule,
    path,
    expected === undefined ? {} : { expected, found: found ?? '' },
  );
}
