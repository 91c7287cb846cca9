import { metadataText, type WheelSpec, wheelText } from '../../support/wheel-builder.js';
import { distInfo, fileName, fromSpec, type Rejection } from '../rejection.js';

const metadata = `${distInfo}/METADATA`;
const wheel = `${distInfo}/WHEEL`;
const good = metadataText('sample', '1.0');
const goodWheel = wheelText(true, 'py3-none-any');

const rules: readonly (readonly [reason: string, file: string, rule: string, spec: WheelSpec])[] = [
  ['metadata-missing', metadata, 'has no', { metadata: null }],
  ['metadata-empty', metadata, 'has no Name', { metadata: '' }],
  ['metadata-without-name', metadata, 'has no Name', { metadata: 'Metadata-Version: 2.1\nVersion: 1.0\n' }],
  [
    'metadata-without-version',
    metadata,
    'has no Version',
    { metadata: 'Metadata-Version: 2.1\nName: sample\n' },
  ],
  ['metadata-name-empty', metadata, 'has no Name', { metadata: 'Name:\nVersion: 1.0\n' }],
  ['metadata-name-after-body', metadata, 'has no Name', { metadata: `\n${good}` }],
  ['metadata-name-behind-garbage', metadata, 'has no Name', { metadata: `garbage\n${good}` }],
  ['metadata-of-another-name', metadata, 'is of other 1.0', { metadata: metadataText('other', '1.0') }],
  ['metadata-of-another-version', metadata, 'is of sample 2.0', { metadata: metadataText('sample', '2.0') }],
  ['metadata-name-twice', metadata, 'Name 2 times', { metadata: `Name: other\n${good}` }],
  ['metadata-version-twice', metadata, 'Version 2 times', { metadata: `Version: 2.0\n${good}` }],
  [
    'metadata-name-folded',
    metadata,
    'no name of a distribution',
    { metadata: 'Name: sample\n evil\nVersion: 1.0\n' },
  ],
  [
    'metadata-name-with-path',
    metadata,
    'no name of a distribution',
    { metadata: metadataText('../sample', '1.0') },
  ],
  [
    'metadata-name-not-ascii',
    metadata,
    'no name of a distribution',
    { metadata: metadataText('ſample', '1.0') },
  ],
  [
    'metadata-version-with-path',
    metadata,
    'is no version',
    { metadata: metadataText('sample', '1.0+a/../x') },
  ],
  ['metadata-version-garbage', metadata, 'is no version', { metadata: metadataText('sample', 'one') }],
  [
    'metadata-version-costly',
    metadata,
    'is no version',
    { metadata: metadataText('sample', `1${'a'.repeat(90)}!`) },
  ],
  ['metadata-format-unknown', metadata, 'Metadata-Version 9.0', { metadata: good.replace('2.1', '9.0') }],
  ['metadata-format-garbage', metadata, 'Metadata-Version two', { metadata: good.replace('2.1', 'two') }],
  ['metadata-with-nul', metadata, 'contains a NUL', { metadata: `${good}\0` }],
  ['wheel-file-missing', wheel, 'has no', { wheel: null }],
  ['wheel-file-empty', wheel, 'has no Wheel-Version', { wheel: '' }],
  ['wheel-version-2', wheel, 'Wheel-Version 2.0', { wheel: goodWheel.replace('1.0', '2.0') }],
  ['wheel-version-garbage', wheel, 'Wheel-Version one', { wheel: goodWheel.replace('1.0', 'one') }],
  ['wheel-version-twice', wheel, 'Wheel-Version 2 times', { wheel: `Wheel-Version: 2.0\n${goodWheel}` }],
  ['wheel-purelib-missing', wheel, 'has no Root-Is-Purelib', { wheel: 'Wheel-Version: 1.0\n' }],
  [
    'wheel-purelib-garbage',
    wheel,
    "Root-Is-Purelib is 'maybe'",
    { wheel: goodWheel.replace('true', 'maybe') },
  ],
  [
    'wheel-purelib-twice',
    wheel,
    'Root-Is-Purelib 2 times',
    { wheel: `Root-Is-Purelib: false\n${goodWheel}` },
  ],
  ['wheel-file-with-nul', wheel, 'contains a NUL', { wheel: `${goodWheel}\0` }],
  ['dist-info-missing', 'sample 1.0', '0 .dist-info folders', { distInfo: 'sample-1.0.info' }],
  ['dist-info-wrong-case', 'sample 1.0', '0 .dist-info folders', { distInfo: 'sample-1.0.DIST-INFO' }],
  [
    'dist-info-not-at-the-top',
    '.dist-info',
    '0 .dist-info folders',
    { distInfo: 'pkg/sample-1.0.dist-info' },
  ],
  [
    'dist-info-of-another-name',
    'other-1.0.dist-info',
    "not this wheel's",
    { distInfo: 'other-1.0.dist-info' },
  ],
  [
    'dist-info-of-another-version',
    'sample-2.0.dist-info',
    "not this wheel's",
    { distInfo: 'sample-2.0.dist-info' },
  ],
  ['dist-info-without-version', 'sample.dist-info', "not this wheel's", { distInfo: 'sample.dist-info' }],
  [
    'dist-info-twice',
    'other-1.0.dist-info',
    '2 .dist-info folders',
    { files: { 'other-1.0.dist-info/METADATA': good } },
  ],
];

const texts: readonly (readonly [reason: string, file: string, text: Buffer])[] = [
  ['metadata-not-utf8', metadata, Buffer.concat([Buffer.from(good), Buffer.from([0xff])])],
  ['metadata-utf16', metadata, Buffer.from(`\ufeff${good}`, 'utf16le')],
  ['wheel-file-not-utf8', wheel, Buffer.concat([Buffer.from(goodWheel), Buffer.from([0xc3, 0x28])])],
  ['entry-points-not-utf8', `${distInfo}/entry_points.txt`, Buffer.from([0x5b, 0xff])],
  ['record-not-utf8', `${distInfo}/RECORD`, Buffer.from([0xff, 0x2c, 0x2c])],
];

/** Metadata that is wrong, or another distribution's. */
export const metadataCases: readonly Rejection[] = [
  ...rules.map(([reason, file, rule, spec]) => fromSpec(reason, ['WHEEL_METADATA', file, rule], spec)),
  ...texts.map(([reason, file, data]) =>
    fromSpec(reason, ['WHEEL_METADATA', file, 'is not UTF-8'], {
      entryPoints: '',
      members: (members) => members.map((member) => (member.name === file ? { ...member, data } : member)),
    }),
  ),
  fromSpec(
    'file-name-of-another-name',
    ['WHEEL_METADATA', distInfo, "not this wheel's"],
    {},
    {
      fileName: fileName.replace('sample', 'other'),
    },
  ),
  fromSpec(
    'file-name-of-another-version',
    ['WHEEL_METADATA', distInfo, "not this wheel's"],
    {},
    {
      fileName: fileName.replace('1.0', '1.1'),
    },
  ),
  fromSpec(
    'file-name-without-tags',
    ['WHEEL_NAME', 'sample-1.0.whl', "not a wheel's"],
    {},
    { fileName: 'sample-1.0.whl' },
  ),
  fromSpec(
    'file-name-version-garbage',
    ['WHEEL_NAME', 'sample-one', 'no valid'],
    {},
    {
      fileName: 'sample-one-py3-none-any.whl',
    },
  ),
  fromSpec(
    'file-name-version-costly',
    ['WHEEL_NAME', 'sample-1a', 'no valid'],
    {},
    {
      fileName: `sample-1${'a'.repeat(90)}!-py3-none-any.whl`,
    },
  ),
];
