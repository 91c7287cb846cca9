import test from 'ava';
import {
  canonicalVersion,
  expandTags,
  isVersion,
  normalizeName,
  parseWheelFilename,
  sameVersion,
} from '../../../src/wheel/filename.js';
import { refused } from '../../support/refusal.js';

test('a file name comes apart into distribution, version and tags', (t) => {
  t.deepEqual(parseWheelFilename('numpy-2.1.0-cp312-cp312-linux_x86_64.whl'), {
    distribution: 'numpy',
    version: '2.1.0',
    build: undefined,
    pythonTags: ['cp312'],
    abiTags: ['cp312'],
    platformTags: ['linux_x86_64'],
  });
});

test('a build tag starts with a digit and stands after the version', (t) => {
  t.is(parseWheelFilename('torch-2.0-1local-cp311-cp311-any.whl').build, '1local');
});

test('a compressed tag set expands to every combination', (t) => {
  const name = parseWheelFilename('a-1-py2.py3-none.abi3-any.linux_x86_64.whl');
  const tags = expandTags(name);
  t.is(tags.length, 8);
  t.true(tags.includes('py2-none-any') && tags.includes('py3-abi3-linux_x86_64'));
});

test('an escaped local version and a many-part name are read', (t) => {
  const name = parseWheelFilename('zope.interface_x-1.0+cu118-py3-none-any.whl');
  t.is(name.distribution, 'zope.interface_x');
  t.is(name.version, '1.0+cu118');
});

const badNames = [
  'numpy.whl',
  'numpy-1.0.whl',
  'numpy-1.0-py3-none-any.zip',
  'numpy-1.0-py3-none-any.whl.part',
  '-1.0-py3-none-any.whl',
  'a b-1.0-py3-none-any.whl',
  'numpy-1.0-x-py3-none-any.whl',
  'numpy-1.0-1-2-py3-none-any.whl',
  '../numpy-1.0-py3-none-any.whl',
  'numpy-..-py3-none-any.whl',
  'numpy-one-py3-none-any.whl',
  '_numpy-1.0-py3-none-any.whl',
  'nümpy-1.0-py3-none-any.whl',
  'numpy-1.0+-py3-none-any.whl',
];
for (const name of badNames) {
  test(`the file name ${name} is refused`, (t) =>
    refused(t, 'WHEEL_NAME', [name], () => parseWheelFilename(name)).then(() => undefined));
}

test('names normalize to lower case with single dashes', (t) => {
  t.is(normalizeName('Zope._-Interface'), 'zope-interface');
  t.is(normalizeName('ruamel.yaml'), normalizeName('Ruamel_Yaml'));
});

const equal: [string, string][] = [
  ['1.0', '1.0.0'],
  ['1', '1.0.0'],
  ['1.0rc1', '1.0-RC.1'],
  ['1.0c1', '1.0rc1'],
  ['1.0pre1', '1.0rc1'],
  ['1.0alpha2', '1.0a2'],
  ['1.0.beta.2', '1.0b2'],
  ['1.0a', '1.0a0'],
  ['1.0.post1', '1.0-1'],
  ['1.0.post1', '1.0-r1'],
  ['1.0.post1', '1.0.rev1'],
  ['1.0.post', '1.0.post0'],
  ['1.0.dev3', '1.0-dev_3'],
  ['1.0dev', '1.0.dev0'],
  ['v1.0', '1.0'],
  ['2024.01.05', '2024.1.5'],
  ['1.0+Ubuntu-1', '1.0+ubuntu.1'],
  ['1.0+a_b', '1.0.0+a.b'],
  ['1!1.0', '1!1'],
  ['0!1.0', '1.0'],
  ['1.0.0rc1', '1rc1'],
  ['1.0.0.post2', '1.post2'],
];
for (const [a, b] of equal) {
  test(`${a} and ${b} are one version`, (t) => {
    t.true(isVersion(a) && isVersion(b));
    t.true(sameVersion(a, b), `${canonicalVersion(a)} and ${canonicalVersion(b)}`);
  });
}

const different: [string, string][] = [
  ['1.0', '1.0.1'],
  ['1.0', '10'],
  ['1.0', '1.0.post0'],
  ['1.0', '1.0.dev0'],
  ['1.0', '1.0+local'],
  ['1.0', '1!1.0'],
  ['1.0a1', '1.0b1'],
  ['1.0rc1', '1.0rc10'],
  ['1.0.post1', '1.0.post1.dev1'],
  ['1.10', '1.1'],
  ['1.0+a', '1.0+a.b'],
  ['1.0+a', '1.0+a+b'],
  ['100.0', '1.0'],
];
for (const [a, b] of different) {
  test(`${a} and ${b} are two versions`, (t) => {
    t.false(sameVersion(a, b), canonicalVersion(a));
  });
}

for (const text of [
  '',
  '1.0/..',
  '..',
  '1.0 ',
  'latest',
  '1.0+',
  '1.0+a+b',
  '1..0',
  `1.${'0'.repeat(200)}`,
]) {
  test(`${JSON.stringify(text.slice(0, 20))} is no version`, (t) => {
    t.false(isVersion(text));
  });
}

// Two ways to match one text make a pattern try 2^n of them.
for (const text of [
  `1${'a'.repeat(120)}!`,
  `1${'a.'.repeat(60)}!`,
  `1${'.'.repeat(120)}`,
  `1+${'a.'.repeat(60)}!`,
]) {
  test(`that ${text.slice(0, 8)}… is no version takes no time`, (t) => {
    const start = performance.now();
    t.false(isVersion(text));
    t.true(performance.now() - start < 1000);
  });
}
