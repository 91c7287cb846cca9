import { createHash } from 'node:crypto';
import type { RecordRow } from '../../../src/wheel/record.js';
import { rowOf, type WheelSpec } from '../../support/wheel-builder.js';
import { distInfo, fromSpec, type Rejection, victim, victimData } from '../rejection.js';

const record = `${distInfo}/RECORD`;
const sha256 = createHash('sha256').update(victimData).digest();
const right = sha256.toString('base64url');

function row(change: Partial<RecordRow>, of = victim): WheelSpec {
  return { record: (rows) => rows.map((item) => (item.path === of ? { ...item, ...change } : item)) };
}
const more = (...added: RecordRow[]): WheelSpec => ({ record: (rows) => [...rows, ...added] });
const ghost = (path: string) => more(rowOf(path, victimData));
const hash = (value: string) => row({ hash: value });

const rules: readonly (readonly [reason: string, file: string, rule: string, spec: WheelSpec])[] = [
  ['record-missing', record, 'has no', { record: () => null }],
  ['record-empty', record, 'does not list', { record: () => [] }],
  [
    'record-row-missing',
    victim,
    'does not list',
    { record: (rows) => rows.filter(({ path }) => path !== victim) },
  ],
  [
    'record-metadata-row-missing',
    `${distInfo}/METADATA`,
    'does not list',
    { record: (rows) => rows.filter(({ path }) => !path.endsWith('METADATA')) },
  ],
  ['record-of-a-missing-file', 'pkg/ghost.py', 'which the wheel lacks', ghost('pkg/ghost.py')],
  ['record-absolute', '/etc/passwd', 'which the wheel lacks', ghost('/etc/passwd')],
  ['record-parent', '../../bin/evil', 'which the wheel lacks', ghost('../../bin/evil')],
  ['record-here', './pkg/data.txt', 'which the wheel lacks', ghost('./pkg/data.txt')],
  ['record-backslash', 'pkg\\data.txt', 'which the wheel lacks', ghost('pkg\\data.txt')],
  ['record-other-case', 'PKG/data.txt', 'which the wheel lacks', ghost('PKG/data.txt')],
  ['record-of-a-folder', 'pkg/', 'which the wheel lacks', ghost('pkg/')],
  ['record-path-with-nul', 'data.txt?', 'which the wheel lacks', ghost(`${victim}\0`)],
  ['record-path-with-space', `'${victim} '`, 'which the wheel lacks', ghost(`${victim} `)],
  ['record-size-too-small', victim, 'size of', row({ size: '1' })],
  ['record-size-too-large', victim, 'size of', row({ size: '1000000' })],
  ['record-size-negative', victim, 'size of', row({ size: '-1' })],
  ['record-size-garbage', victim, 'size of', row({ size: 'many' })],
  ['record-size-padded', victim, 'size of', row({ size: `0${victimData.length}` })],
  ['record-hash-missing', victim, 'no usable hash', hash('')],
  [
    'record-hash-md5',
    victim,
    'no usable hash',
    hash(`md5=${createHash('md5').update(victimData).digest('base64url')}`),
  ],
  [
    'record-hash-sha1',
    victim,
    'no usable hash',
    hash(`sha1=${createHash('sha1').update(victimData).digest('base64url')}`),
  ],
  ['record-hash-unknown', victim, 'no usable hash', hash(`crc32=${right}`)],
  ['record-hash-without-name', victim, 'no usable hash', hash(right)],
  ['record-hash-upper-case', victim, 'no usable hash', hash(`SHA256=${right}`)],
  ['record-hash-hexadecimal', victim, "sha256's length", hash(`sha256=${sha256.toString('hex')}`)],
  ['record-hash-standard-base64', victim, 'no usable hash', hash('sha256=a+b/c')],
  ['record-hash-bad-base64', victim, 'no usable hash', hash(`sha256=${right.slice(1)}!`)],
  ['record-hash-too-short', victim, "sha256's length", hash(`sha256=${right.slice(0, 20)}`)],
  ['record-hash-too-long', victim, "sha256's length", hash(`sha256=${right}AAAA`)],
  ['record-hash-of-another-length', victim, "sha512's length", hash(`sha512=${right}`)],
  [
    'record-hash-stray-bits',
    victim,
    "sha256's length",
    hash(`sha256=${right.slice(0, -1)}${nextLetter(right)}`),
  ],
  ['record-hash-of-itself', record, 'itself', row({ hash: `sha256=${right}` }, record)],
  [
    'record-row-twice-and-differently',
    victim,
    'twice and differently',
    more(rowOf(victim, Buffer.from('x'.repeat(victimData.length)))),
  ],
];

const texts: readonly (readonly [reason: string, rule: string, text: string])[] = [
  ['record-with-four-fields', 'row 1', `${victim},,,\n`],
  ['record-path-empty', 'row 1', ',sha256=x,1\n'],
  ['record-quote-open', 'quoted field', `"${victim},,\n`],
  ['record-with-byte-order-mark', 'which the wheel lacks', `\ufeff${victim},sha256=${right},\n`],
  ['record-fields-separated-by-tabs', 'which the wheel lacks', `${victim}\tsha256=${right}\t\n`],
];

const isStaged = true;

/** RECORD that is missing, wrong or not whole. */
export const recordCases: readonly Rejection[] = [
  ...rules.map(([reason, file, rule, spec]) => fromSpec(reason, ['WHEEL_RECORD', file, rule], spec)),
  ...texts.map(([reason, rule, text]) =>
    fromSpec(reason, ['WHEEL_RECORD', record, rule], {
      members: (members) =>
        members.map((member) => (member.name === record ? { ...member, data: Buffer.from(text) } : member)),
    }),
  ),
  ...[victim, `${distInfo}/METADATA`, 'pkg/__init__.py'].map((path) =>
    fromSpec(
      `record-hash-wrong-${path.split('/')[1]!.replace(/\W/g, '').toLowerCase()}`,
      ['WHEEL_RECORD', path, 'not what RECORD says'],
      row({ hash: `sha256=${createHash('sha256').update('other').digest('base64url')}` }, path),
      { isStaged },
    ),
  ),
  fromSpec(
    'record-hash-wrong-script',
    ['WHEEL_RECORD', 'sample-1.0.data/scripts/tool', 'not what RECORD says'],
    {
      files: { 'sample-1.0.data/scripts/tool': '#!python\nx\n' },
      ...row({ hash: `sha256=${right}` }, 'sample-1.0.data/scripts/tool'),
    },
    { isStaged },
  ),
  fromSpec(
    'record-hash-wrong-wrapper',
    ['WHEEL_RECORD', 'sample-1.0.data/scripts/run', 'not what RECORD says'],
    {
      entryPoints: '[console_scripts]\nrun = pkg:main\n',
      files: { 'sample-1.0.data/scripts/run': '#!python\nx\n' },
      ...row({ hash: `sha256=${right}` }, 'sample-1.0.data/scripts/run'),
    },
  ),
];

/** The next letter of the alphabet of base64: the same bytes, but for bits that no byte has. */
function nextLetter(text: string): string {
  return String.fromCharCode(text.charCodeAt(text.length - 1) + 1);
}
